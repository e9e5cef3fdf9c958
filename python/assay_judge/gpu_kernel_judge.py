"""The judge of GPU kernels: their time against the reference's and the speed of light, what was timed is verified.

    python -P -m assay_judge.gpu_kernel_judge --problem <folder> --solution solution.json --exchange <folder>
        --seed <secret> --device cuda --result r.json

Trusted; runs no candidate code. It asks a kernel host (gpu_kernel_host.py, in another sandbox) for bursts of calls over
the descriptors in ASSAY_PEER_OUT_FD and ASSAY_PEER_IN_FD. The metric sol_score_local is the mean over the workloads;
see docs/architecture/gpu-kernel-judge.md. The result file has the two forms of every judge.
Exit code 0: one was written.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge import gpu_kernel_schema as schema
from assay_judge import gpu_kernel_timing as timing
from assay_judge.gpu_kernel_protocol import GpuKernelPeer
from assay_judge.gpu_kernel_reference import Reference
from assay_judge.gpu_kernel_timing import Ceilings, measure_ceilings
from assay_judge.gpu_kernel_trial import Refusal, Trial, TrialPlan
from assay_judge.language_model import write_result
from assay_judge.protocol import HostFailure

CHECKS = (
    "gpu-kernel-sources",
    "gpu-kernel-canary",
    "protocol",
    "gpu-kernel-shape",
    "gpu-kernel-correct",
    "gpu-kernel-precision",
    "gpu-kernel-poison",
    "gpu-kernel-inputs-unchanged",
    "gpu-kernel-late-write",
    "gpu-kernel-fresh",
    "gpu-kernel-clock",
    "gpu-kernel-threads",
    "gpu-kernel-baseline",
    "gpu-kernel-floor",
)
"""All are in every result, of a refused candidate too."""
STATUS_OF_CHECK = {"gpu-kernel-correct": "INCORRECT_NUMERICAL", "gpu-kernel-precision": "INCORRECT_NUMERICAL"}


@dataclass
class Settings:
    problem: Path
    solution: Path
    exchange: Path
    seed: int
    device: str
    on_cpu_sizes: bool
    plan: TrialPlan
    ceilings: Ceilings | None
    only: list[int] | None = None
    """Numbers of the workloads, where not all are judged."""
    reference: Reference | None = None
    """Of a program that judges many: one whose compiled form is kept."""


class Report:
    """The records of all checks, whatever happens on the way."""

    def __init__(self) -> None:
        self._records = {one: {"id": one, "ok": True, "detail": "nothing was looked at"} for one in CHECKS}

    def note(self, check: str, detail: str) -> None:
        self._records[check] = {"id": check, "ok": self._records[check]["ok"], "detail": detail}

    def fail(self, check: str, reason: str) -> None:
        self._records[check] = {"id": check, "ok": False, "detail": reason}

    def records(self) -> list[dict]:
        return list(self._records.values())


def read_solution(path: Path, problem: schema.Problem) -> tuple[schema.Solution, str]:
    """The solution and the SHA-256 of its sources. Raises Refusal."""
    try:
        solution = schema.load_solution(path)
    except (schema.SchemaError, KeyError, TypeError, ValueError, OSError) as error:
        raise Refusal("gpu-kernel-sources", f"the solution cannot be read: {error}", suspected=False) from error
    if solution.definition != problem.definition.name:
        raise Refusal("gpu-kernel-sources", f"the solution is for {solution.definition}", suspected=False)
    return solution, hashlib.sha256(json.dumps(solution.sources, sort_keys=True).encode()).hexdigest()


def judge(settings: Settings, peer: GpuKernelPeer, report: Report) -> dict:
    """Runs the trial; the records of its checks go into `report`. Raises HostFailure or Refusal."""
    problem = schema.load_problem(settings.problem)
    solution, digest = read_solution(settings.solution, problem)
    report.note("gpu-kernel-sources", f"{len(solution.sources)} sources, SHA-256 {digest[:16]}")
    ceilings = settings.ceilings or measure_ceilings(settings.device)
    trial = Trial(
        problem, peer, settings.exchange, settings.device, ceilings, settings.plan, report.note, settings.reference
    )
    workloads = problem.cpu_workloads if settings.on_cpu_sizes else problem.workloads
    if settings.only is not None:
        workloads = tuple(workloads[one] for one in settings.only if one < len(workloads))
    trial.open(random.Random(settings.seed), workloads)
    clocks = [device_clocks(settings.device)]
    before = [trial.quiet(one) for one in workloads]
    trial.load(digest)
    found = [trial.judge_workload(one, quiet) for one, quiet in zip(workloads, before, strict=True)]
    peer.expect_silence()
    clocks.append(device_clocks(settings.device))
    trial.close()
    if not peer.quit(seconds=10.0):
        raise Refusal("protocol", "the kernel host did not end when it was told to", suspected=True)
    report.note("protocol", f"{peer.replies} replies, each to its request; then the host ended")
    value = sum(one.score for one in found) / len(found)
    speedups = [one.baseline / one.seconds for one in found]
    metrics = {
        "sol_score_local": value,
        "speedup": math.exp(sum(math.log(one) for one in speedups) / len(speedups)),
    }
    for turn, one in enumerate(found):
        metrics |= {f"latency_us_{turn}": one.seconds * 1e6, f"baseline_us_{turn}": one.baseline * 1e6}
        metrics |= {f"light_us_{turn}": one.light * 1e6, f"price_us_{turn}": one.price * 1e6}
        metrics[f"score_{turn}"] = one.score
        axes = problem.definition.resolve(workloads[turn].axes)
        metrics |= timing.achieved(problem, axes, one.seconds, ceilings, turn)
    traces = [
        schema.trace(problem.definition.name, workload, solution.name, evaluation(settings, one))
        for workload, one in zip(workloads, found, strict=True)
    ]
    return {
        "valid": True,
        "metric": "sol_score_local",
        "value": value,
        "metrics": metrics,
        "workloads": [one.to_json() for one in found],
        "traces": traces,
        "ceilings": ceilings.to_json(),
        "device": device_name(settings.device),
        "clocks": clocks,
        "transport": trial.transport,
        "changed_state": sorted(trial.changed),
    }


CLOCK_FIELDS = ("clocks.sm", "clocks.mem", "temperature.gpu", "power.draw", "clocks_event_reasons.active")


def device_clocks(device: str) -> dict | None:
    """Clocks of the card as its driver tells them, to be recorded. They are never set."""
    if device != "cuda":
        return None
    command = ["nvidia-smi", f"--query-gpu={','.join(CLOCK_FIELDS)}", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.splitlines()[0]
    except (OSError, subprocess.TimeoutExpired, IndexError):
        return None
    return dict(zip(CLOCK_FIELDS, (one.strip() for one in said.split(",")), strict=False))


def device_name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else "cpu"


def evaluation(settings: Settings, found) -> dict:
    """A trace's evaluation, as upstream writes it."""
    return {
        "status": "PASSED",
        "environment": {"hardware": device_name(settings.device), "libs": {"torch": torch.__version__}},
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "log": "",
        "correctness": {
            "max_relative_error": found.relative_error,
            "max_absolute_error": found.largest_error,
            "has_nan": False,
            "has_inf": False,
            "extra": None,
        },
        "performance": {
            "latency_ms": found.seconds * 1e3,
            "reference_latency_ms": found.baseline * 1e3,
            "speedup_factor": found.baseline / found.seconds,
        },
    }


def judge_or_explain(settings: Settings, peer: GpuKernelPeer) -> dict:
    """The result in either form. Whatever the host does ends here; a bug of the judge does not."""
    report = Report()
    try:
        result = judge(settings, peer, report)
    except HostFailure as found:
        check = "gpu-kernel-correct" if found.failure == "crash" else "protocol"
        report.fail(check, found.reason)
        status = {"crash": "RUNTIME_ERROR", "timeout": "TIMEOUT"}.get(found.failure, "REWARD_HACK")
        result = {"valid": False, "failure": found.failure, "reason": found.reason, "status": status}
        if found.failure == "invalid-metric":
            result |= {"suspected": True, "check": check}
    except torch.OutOfMemoryError:
        reason = "the memory of the device does not hold the judge's sets beside the candidate"
        result = {"valid": False, "failure": "out-of-memory", "reason": reason, "status": "RUNTIME_ERROR"}
        report.fail("gpu-kernel-baseline", reason)
    except Refusal as found:
        report.fail(found.check, found.reason)
        reason = f"check {found.check} failed. {found.reason}"
        status = "REWARD_HACK" if found.suspected else STATUS_OF_CHECK.get(found.check, "INCORRECT_SHAPE")
        result = {"valid": False, "failure": "invalid-metric", "reason": reason, "status": status}
        if found.suspected:
            result |= {"suspected": True, "check": found.check}
    return {**result, "checks": report.records()}


def main() -> int:
    started = time.monotonic()
    parser = argparse.ArgumentParser(description="Time and verify a candidate's GPU kernels.")
    parser.add_argument("--problem", type=Path, required=True, help="folder with definition.json")
    parser.add_argument("--solution", type=Path, required=True)
    parser.add_argument("--exchange", type=Path, default=os.environ.get("ASSAY_EXCHANGE"), help="shared with the host")
    parser.add_argument("--seed", type=int, required=True, help="secret: inputs, order, places come from it")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--cpu-sizes", action="store_true", help="the workloads of workload.cpu.jsonl")
    parser.add_argument("--blocks", type=int, default=7, help="bursts of each workload, two of them to warm up")
    parser.add_argument("--workloads", type=int, nargs="*", help="numbers of the workloads; all without")
    parser.add_argument("--share", choices=("auto", "always", "never"), default="auto", help="memory with the host")
    parser.add_argument("--no-compile", action="store_true", help="the baseline is the eager reference alone")
    parser.add_argument("--ceilings", type=Path, help="JSON of measured ceilings; else they are measured")
    parser.add_argument("--host-process", type=int, help="number of the host's process, where it can be seen")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for everything")
    parser.add_argument("--result", type=Path, required=True)
    options = parser.parse_args()
    descriptors = int(os.environ["ASSAY_PEER_OUT_FD"]), int(os.environ["ASSAY_PEER_IN_FD"])
    ceilings = Ceilings(**json.loads(options.ceilings.read_text())) if options.ceilings else None
    share = {"auto": None, "always": True, "never": False}[options.share]
    plan = TrialPlan(options.blocks, not options.no_compile, options.host_process, share)
    on_cpu_sizes = options.cpu_sizes or options.device == "cpu"
    settings = Settings(
        options.problem, options.solution, options.exchange, options.seed, options.device, on_cpu_sizes, plan, ceilings
    )
    settings.only = options.workloads
    torch.set_grad_enabled(False)
    result = judge_or_explain(settings, GpuKernelPeer(*descriptors, started + options.timeout))
    result["judge_seconds"] = round(time.monotonic() - started, 3)
    write_result(options.result, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
