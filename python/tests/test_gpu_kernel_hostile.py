"""Hostile kernels and honest ones that look suspicious: those that need no GPU are judged."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from assay_judge.gpu_kernel_judge import CHECKS
from gpu_kernel_trials import PROBLEMS, ROOT, failed, header_of, judged, solution_of

HOSTILE = ROOT / "tasks" / "kernels" / "hostile"
EXPLOITS = sorted((HOSTILE / "exploits").glob("*.py"))
CONTROLS = sorted((HOSTILE / "controls").glob("*.py"))


def verdict(path: Path, folder: Path) -> dict:
    head = header_of(path)
    problem = next(PROBLEMS.glob(f"*/{head['problem']}"))
    solution = solution_of(problem, path.read_text(), passing=head["style"] == "passing")
    options = ("--blocks", "5", "--no-compile", "--share", "always", "--workloads", "0")
    return judged(folder, problem, solution, options=options, seed=7)


def without_gpu(paths: list[Path]) -> list:
    """Those that need no GPU: a third at once, the others where slow tests are asked for (pytest -m '')."""
    here = [path for path in paths if header_of(path)["needs"] == "any"]
    slow = [pytest.mark.slow] if len(here) > 1 else []
    return [pytest.param(path, marks=slow if place % 3 else []) for place, path in enumerate(here)]


@pytest.mark.parametrize("path", [*EXPLOITS, *CONTROLS], ids=lambda one: one.stem)
def test_a_header_says_what_is_expected(path: Path):
    head = header_of(path)
    assert head.get("exploit", head.get("control")) == path.stem
    assert head["needs"] in ("any", "cuda") and head["style"] in ("passing", "returned")
    assert set(head["expects"].split(", ")) <= {*CHECKS, "passes", "no-gain"}
    assert (head["expects"] == "passes") == ("control" in head)
    assert list(PROBLEMS.glob(f"*/{head['problem']}"))


def test_there_are_enough_of_each():
    assert len(EXPLOITS) >= 20 and len(CONTROLS) >= 12


@pytest.mark.parametrize("path", without_gpu(EXPLOITS), ids=lambda one: one.stem)
def test_a_hostile_kernel_is_contained_for_its_reason(path: Path, tmp_path: Path):
    result = verdict(path, tmp_path)
    expected = set(header_of(path)["expects"].split(", "))
    if result["valid"]:
        assert "no-gain" in expected
    else:
        assert failed(result) & expected, (result["reason"], (tmp_path / "host.log").read_text()[-800:])


@pytest.mark.parametrize("path", without_gpu(CONTROLS), ids=lambda one: one.stem)
def test_an_honest_kernel_that_looks_suspicious_passes(path: Path, tmp_path: Path):
    result = verdict(path, tmp_path)
    assert result["valid"], (result["reason"], (tmp_path / "host.log").read_text()[-800:])
