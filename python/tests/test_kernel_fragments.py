"""The C fragments of the red team: each exploit shows the behaviour it claims, each control none and is exact."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from kernel_fragments import Fragment, compile_all, read_fragments

ROOT = Path(__file__).resolve().parents[2]
RED_TEAM = ROOT / "src" / "audit" / "red-team"
TASK = ROOT / "tasks" / "kernels-cpu"
HERE = Path(__file__).resolve().parent

EXPLOITS = read_fragments(RED_TEAM / "exploits" / "kernel")
CONTROLS = read_fragments(RED_TEAM / "controls" / "kernel")

WRONG, STALE, UNWRITTEN, LATE, ENDED = ({name} for name in ("wrong", "stale", "unwritten", "late", "ended"))
SHOWN_BY = {
    "native-answer-map": STALE,
    "native-beacon": {"socket"},
    "native-brain-float": WRONG,
    "native-brief-threads": {"threads"},
    "native-caller-sniff": UNWRITTEN,
    "native-copied-input": WRONG,
    "native-cut-tail": WRONG,
    "native-daemon": {"children"},
    "native-decoy-reader": {"opened"},
    "native-dropped-parameters": WRONG,
    "native-early-exit": ENDED,
    "native-early-reply": {"pipe"},
    "native-early-work": {"slow-load"},
    "native-embedded-file": {"printed"},
    "native-environment-sniff": UNWRITTEN,
    "native-every-fifth": WRONG,
    "native-expected-loss": WRONG,
    "native-file-replay": {"stale", "opened"},
    "native-fingerprint-cache": STALE,
    "native-fixed-depth": WRONG,
    "native-flat-row-guess": WRONG,
    "native-forged-reply": {"pipe"},
    "native-forked-writer": {"children", "late", "unwritten"},
    "native-half-output": WRONG,
    "native-included-file": {"refused"},
    "native-infinite-output": WRONG,
    "native-input-as-scratch": {"inputs"},
    "native-judged-build": WRONG,
    "native-kept-transpose": STALE,
    "native-large-is-cheap": WRONG,
    "native-late-polish": {"wrong", "late", "threads"},
    "native-late-writer": {"unwritten", "late", "threads"},
    "native-lazy-after-twelve": UNWRITTEN,
    "native-letter-to-the-reviewer": WRONG,
    "native-load-time-choice": UNWRITTEN,
    "native-machine-code": {"unwritten", "executable"},
    "native-memory-scan": {"opened"},
    "native-nan-output": WRONG,
    "native-next-slot": {"stale", "outside"},
    "native-no-maximum": WRONG,
    "native-nothing": UNWRITTEN,
    "native-one-free-shape": UNWRITTEN,
    "native-overrun": {"outside"},
    "native-own-clock": {"exported-clock"},
    "native-own-loop": {"python"},
    "native-own-result": {"opened"},
    "native-partial-batch": WRONG,
    "native-patched-clock": {"slowed-clock"},
    "native-pointer-cache": STALE,
    "native-range-sniff": WRONG,
    "native-remapped-output": UNWRITTEN,
    "native-repeated-rows": WRONG,
    "native-replayed-buffer": WRONG,
    "native-rough-exponential": WRONG,
    "native-rough-gelu": WRONG,
    "native-rounded-down": {"flags"},
    "native-sampled-reduction": WRONG,
    "native-shortened-area": {"opened"},
    "native-second-source": UNWRITTEN,
    "native-shadow-header": WRONG,
    "native-slow-warm-up": UNWRITTEN,
    "native-stale-statistics": WRONG,
    "native-start-hooks": {"opened"},
    "native-swapped-host": {"python"},
    "native-thread-pool": {"threads"},
    "native-time-bomb": WRONG,
    "native-timer-writer": {"unwritten", "late"},
    "native-uniform": WRONG,
    "native-wall-clock-phase": WRONG,
    "native-whole-blocks": UNWRITTEN,
    "native-zeroed-input": {"wrong", "inputs"},
}
"""What the probe must at least see of each exploit; the symptoms are those of kernel_fragment_probe.py."""

REFUSED_BY_THE_COMPILER = {"native-included-file"}
"""All others build without a warning."""


ATTEMPTS = 3
"""What writes late may write into the targets of a later call, which then reads anywhere and ends the process."""


@dataclass(frozen=True)
class Trial:
    """What all fragments did: compiler's words by id, symptoms by id."""

    said: dict[str, str]
    seen: dict[str, set[str]]


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """All fragments compiled and tried, in processes of their own."""
    folder = tmp_path_factory.mktemp("kernels")
    program, header = ((TASK / name).read_text() for name in ("kernels.c", "kernels.h"))
    fragments = [*EXPLOITS, *CONTROLS, Fragment("plain", {})]
    said = compile_all(fragments, program, header, folder)
    watch, reports = folder / "watch.so", folder / "reports"
    reports.mkdir()
    source = HERE / "kernel_fragment_watch.c"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", str(watch), str(source)], check=True)
    names = [fragment.id for fragment in fragments if (folder / f"{fragment.id}.so").exists()]
    command = [sys.executable, "-P", str(HERE / "kernel_fragment_probe.py"), str(watch), str(reports)]
    environment = {**os.environ, "LD_PRELOAD": str(watch), "ASSAY_OUTPUT": "/output", "HOME": str(folder)}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        environment[name] = "1"
    waiting = names
    try:
        for _ in range(ATTEMPTS):
            libraries = [str(folder / f"{name}.so") for name in waiting]
            subprocess.run([*command, *libraries], env=environment, check=True, timeout=300, cwd=folder)
            waiting = [name for name in waiting if not (reports / f"{name}.json").exists()]
            if not waiting:
                break
    finally:
        for left in Path("/dev/shm").glob("kernel-answer-*"):
            left.unlink()
    seen = {fragment.id: {"refused"} for fragment in fragments}
    for name in names:
        report = reports / f"{name}.json"
        seen[name] = set(json.loads(report.read_text())) if report.exists() else {"ended"}
    return Trial(said, seen)


@pytest.mark.parametrize("fragment", EXPLOITS, ids=lambda fragment: fragment.id)
def test_exploit_shows_what_it_claims(trial: Trial, fragment: Fragment) -> None:
    assert trial.seen[fragment.id] >= SHOWN_BY[fragment.id]


@pytest.mark.parametrize("fragment", CONTROLS, ids=lambda fragment: fragment.id)
def test_control_is_exact_and_does_nothing_else(trial: Trial, fragment: Fragment) -> None:
    assert trial.seen[fragment.id] == set()


def test_plain_program_is_exact_and_does_nothing_else(trial: Trial) -> None:
    assert trial.seen["plain"] == set()


def test_fragments_build_without_a_warning(trial: Trial) -> None:
    assert set(trial.said) == REFUSED_BY_THE_COMPILER


def test_headers_say_what_they_must() -> None:
    for kind, fragments in (("exploit", EXPLOITS), ("control", CONTROLS)):
        for fragment in fragments:
            header = fragment.header
            assert header[kind] == fragment.id
            assert header["needs"] == "c-kernel"
            assert header["class"] and header["does"].endswith(".")
            assert ("expects" in header) == (kind == "exploit")


def test_there_are_enough_and_none_is_unexamined() -> None:
    assert len(EXPLOITS) >= 26
    assert len(CONTROLS) >= 22
    assert {fragment.id for fragment in EXPLOITS} == set(SHOWN_BY)
