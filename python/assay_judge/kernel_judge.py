"""The judge of C kernels: their time against plain code on the same inputs, every output verified.

    python -P -m assay_judge.kernel_judge --library <folder>/kernels.so --reference reference.c --exchange <folder>
        --seed <secret> --result r.json

Trusted; runs no candidate code. It asks a kernel host (kernel_host.py, in another sandbox) for one call at a time over
the descriptors in ASSAY_PEER_OUT_FD and ASSAY_PEER_IN_FD and exchanges arrays through one file. The metric time_ratio
is the geometric mean, over kernels, of the candidate's time over that of the task's reference.c on the same inputs;
see docs/architecture/kernel-judge.md. The result file has the two forms of every judge. Exit code 0: one was written.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge import kernel_protocol as protocol
from assay_judge.kernel_area import Area
from assay_judge.kernel_build import LARGEST_LIBRARY_BYTES
from assay_judge.kernel_peer import KernelPeer, hand_over_loop
from assay_judge.kernel_plan import BAYS, Planner
from assay_judge.kernel_problems import PROBLEMS
from assay_judge.kernel_reference import Reference
from assay_judge.kernel_timing import (
    Quiet,
    Surroundings,
    measure_machine,
    measure_overhead,
    metrics_of,
    timing_checks,
)
from assay_judge.kernel_trial import Refusal, Trial
from assay_judge.kernel_verify import FACTOR, comparison_works
from assay_judge.language_model import write_result
from assay_judge.protocol import HostFailure

CHECKS = (
    "kernel-build",
    "kernel-canary",
    "protocol",
    "kernel-correct",
    "kernel-precision",
    "kernel-poison",
    "kernel-inputs-unchanged",
    "kernel-late-write",
    "kernel-fresh",
    "kernel-order",
    "kernel-shapes",
    "roofline",
    "kernel-clock",
)
"""All are in every result, of a refused candidate too."""

NOT_LOOKED = "nothing was looked at"

BAY_BYTES = 3 << 20
"""Room for the arrays of the largest call, with half a mebibyte to vary addresses."""


@dataclass
class Settings:
    built: Path
    reference: Path
    exchange: Path
    seed: int
    deadline: float
    """A time.monotonic() value."""
    scratch: Path


class Report:
    """The records of all checks, whatever happens on the way."""

    def __init__(self) -> None:
        self._records = {one: {"id": one, "ok": True, "detail": NOT_LOOKED} for one in CHECKS}

    def note(self, check: str, ok: bool, detail: str) -> None:
        self._records[check] = {"id": check, "ok": ok and self._records[check]["ok"], "detail": detail}

    def fail(self, check: str, reason: str) -> None:
        self._records[check] = {"id": check, "ok": False, "detail": reason}

    def records(self, *, is_valid: bool = False) -> list[dict]:
        """Of a valid result only what was looked at: a check that did not run must be missed, not taken for passed."""
        return [one for one in self._records.values() if not is_valid or one["detail"] != NOT_LOOKED]


def digest_of(library: Path) -> str:
    """SHA-256 of the one file that a build may leave. Raises Refusal."""
    found = sorted(entry.name for entry in library.parent.iterdir())
    if found != [library.name]:
        raise Refusal(
            ["kernel-build"], f"the build left {', '.join(found) or 'nothing'}, not {library.name} alone", False
        )
    if library.is_symlink() or not library.is_file() or library.stat().st_size > LARGEST_LIBRARY_BYTES:
        raise Refusal(
            ["kernel-build"], f"{library.name} is not a plain file of at most {LARGEST_LIBRARY_BYTES} bytes", True
        )
    return hashlib.sha256(library.read_bytes()).hexdigest()


def judge(settings: Settings, peer: KernelPeer, report: Report) -> dict:
    """Runs the trial; the records of its checks go into `report`. Raises HostFailure or Refusal."""
    generator = np.random.default_rng(settings.seed)
    self_test(generator, report)
    digest = digest_of(settings.built)
    area = Area(str(settings.exchange / protocol.AREA_FILE), BAYS, BAY_BYTES, generator)
    reference = Reference(settings.reference, settings.scratch, BAY_BYTES, generator)
    quiet = Quiet(reference, generator, PROBLEMS)
    copy_speed, flop_speed = measure_machine()
    before = quiet.measure()
    peer.ask(protocol.OPEN, sizes=(area.size,))
    price = measure_overhead(peer, area, reference, generator, PROBLEMS)
    for bay in area.bays:
        bay.layout = None
    load = peer.ask(protocol.LOAD)
    if load.text != digest:
        raise Refusal(["kernel-build"], "what the host loaded is not what was built", suspected=True)
    usage_before = peer.ask(protocol.USAGE)
    trial = Trial(peer, area, reference, generator)
    try:
        trial.run(Planner(generator).calls())
    finally:
        note_progress(trial, report)
    beside = quiet.measure()
    usage_after = peer.ask(protocol.USAGE)
    end_peer(peer, report)
    after = quiet.measure()
    if digest_of(settings.built) != digest:
        raise Refusal(["kernel-build"], "the library changed while it was judged", suspected=True)
    report.note("kernel-build", True, f"one library, SHA-256 {digest[:16]}, the same before, at load and after")
    around = Surroundings(
        price=price,
        load=load,
        usage_before=usage_before,
        usage_after=usage_after,
        quiet_ns={name: max(before[name], after[name]) for name in before},
        beside_ns=beside,
        copy_bytes_per_ns=copy_speed,
        flops_per_ns=flop_speed,
        requests=peer.replies,
    )
    note_timing(trial, around, report)
    value, metrics = metrics_of(trial.records, around)
    area.close()
    return {"valid": True, "metric": "time_ratio", "value": value, "metrics": metrics}


def self_test(generator: np.random.Generator, report: Report) -> None:
    """Raises RuntimeError when the comparison no longer notices what it must."""
    planted = 0
    for problem in PROBLEMS:
        works, count = comparison_works(problem, generator)
        planted += count
        if not works:
            raise RuntimeError(f"the comparison of {problem.name} no longer notices a planted wrong output")
    report.note(
        "kernel-canary", True, f"{planted} planted wrong outputs were noticed, {len(PROBLEMS)} right ones passed"
    )


def end_peer(peer: KernelPeer, report: Report) -> None:
    peer.expect_silence()
    if not peer.quit(seconds=5.0):
        raise Refusal(["protocol"], "the kernel host did not end when it was told to", suspected=True)
    report.note("protocol", True, f"{peer.replies} replies, each to its request; then the host ended")


def note_progress(trial: Trial, report: Report) -> None:
    """What the checks of content looked at so far, in numbers; they have found nothing, or else fail right after."""
    seen = trial.checked
    worst = max((record.verdict.share for record in trial.records), default=0.0)
    kinds = ", ".join(f"{seen[kind]} {kind}" for kind in ("declared", "hidden", "tiny", "warm-up"))
    calls, elements = seen["calls"], seen["elements"]
    report.note("kernel-correct", True, f"{calls} calls ({kinds}), {elements} elements against float64")
    report.note(
        "kernel-precision",
        True,
        f"{worst:.2f} of the error budget used at most, which is {FACTOR:g} times honest float32",
    )
    report.note("kernel-poison", True, f"{elements} elements, none held its poison after the call")
    compared = trial.area.bytes_compared
    report.note(
        "kernel-inputs-unchanged", True, f"{compared} bytes of inputs and guards compared, after calls and later"
    )
    report.note("kernel-late-write", True, f"{seen['samples']} samples at once, {seen['left']} areas read again later")
    probes = ", ".join(f"{seen[kind]} {kind}" for kind in ("overwrite", "one-element", "repeat"))
    report.note("kernel-fresh", True, f"probes: {probes}")
    report.note("kernel-order", True, f"{seen['anchor']} early calls came again at the end")
    report.note("kernel-shapes", True, f"{seen['hidden']} calls at secret sizes, {seen['tiny']} at tiny ones")


def note_timing(trial: Trial, around: Surroundings, report: Report) -> None:
    """Raises Refusal for the first check of times that fails, suspicious ones first."""
    before = {record["id"]: record["detail"] for record in report.records()}
    found = timing_checks(trial.records, around)
    for check, ok, detail, _ in found:
        known = before[check]
        report.note(check, ok, detail if known == NOT_LOOKED else f"{known}; {detail}")
    failed = sorted((one for one in found if not one[1]), key=lambda one: not one[3])
    if failed:
        check, _, detail, suspected = failed[0]
        raise Refusal([check], detail, suspected)


def judge_or_explain(settings: Settings, peer: KernelPeer) -> dict:
    """The result in either form. Whatever the host does ends here; a bug of the judge does not."""
    report = Report()
    try:
        result = judge(settings, peer, report)
    except HostFailure as found:
        check = "kernel-correct" if found.failure == "crash" else "protocol"
        report.fail(check, found.reason)
        result = {"valid": False, "failure": found.failure, "reason": found.reason}
        if found.failure == "invalid-metric":
            # What a candidate prints does not reach the pipes: nobody breaks the protocol by mistake.
            result |= {"suspected": True, "check": check}
    except Refusal as found:
        for check in found.checks:
            report.fail(check, found.reason)
        result = {
            "valid": False,
            "failure": "invalid-metric",
            "reason": f"check {found.checks[0]} failed. {found.reason}",
        }
        if found.suspected:
            result |= {"suspected": True, "check": found.checks[0]}
    return {**result, "checks": report.records(is_valid=result["valid"])}


def main() -> int:
    started = time.monotonic()
    parser = argparse.ArgumentParser(description="Time and verify a candidate's C kernels.")
    parser.add_argument("--library", dest="built", type=Path, required=True, help="what kernel_build made")
    parser.add_argument("--reference", type=Path, required=True, help="the task's plain kernels, in C")
    parser.add_argument(
        "--exchange", type=Path, default=os.environ.get("ASSAY_EXCHANGE"), help="folder shared with the host"
    )
    parser.add_argument("--seed", type=int, required=True, help="secret: inputs, sizes, order and places come from it")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for all calls together")
    parser.add_argument("--result", type=Path, required=True)
    options = parser.parse_args()
    descriptors = int(os.environ["ASSAY_PEER_OUT_FD"]), int(os.environ["ASSAY_PEER_IN_FD"])
    gc.disable()
    with tempfile.TemporaryDirectory() as scratch:
        deadline = started + options.timeout
        settings = Settings(options.built, options.reference, options.exchange, options.seed, deadline, Path(scratch))
        peer = KernelPeer(*descriptors, deadline, hand_over_loop(Path(scratch), options.exchange))
        result = judge_or_explain(settings, peer)
    result["judge_seconds"] = round(time.monotonic() - started, 3)
    write_result(options.result, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
