"""Our Triton solutions on a machine without a GPU: right in Triton's interpreter, alone and through the judge."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("triton")

from gpu_kernel_trials import ENVIRONMENT, PROBLEMS, failed, judged

SOLUTIONS = PROBLEMS.parent / "solutions"
INTERPRETED = {**ENVIRONMENT, "TRITON_INTERPRET": "1"}
NAMES = sorted(
    folder.name
    for folder in SOLUTIONS.iterdir()
    if "triton" in json.loads((folder / "solution.json").read_text())["spec"]["languages"]
)


@pytest.fixture(scope="module")
def interpreted() -> dict[str, dict]:
    script = Path(__file__).with_name("triton_interpreted.py")
    end = subprocess.run([sys.executable, script, *NAMES], env=INTERPRETED, capture_output=True, text=True)
    assert end.returncode == 0, end.stderr[-4000:]
    return {one["name"]: one for one in map(json.loads, end.stdout.splitlines())}


def test_there_are_solutions_in_triton():
    assert len(NAMES) >= 8


@pytest.mark.parametrize("name", NAMES)
def test_a_solution_is_right_for_each_workload(interpreted: dict[str, dict], name: str):
    assert interpreted[name]["turns"] >= 2
    assert interpreted[name]["wrong"] == []


def trial(folder: Path, name: str, text: str) -> dict:
    folder.mkdir()
    (folder / "kernel.py").write_text(text)
    solution = json.loads((SOLUTIONS / name / "solution.json").read_text())
    problem = next(PROBLEMS.glob(f"*/{name}"))
    return judged(folder, problem, solution, options=("--blocks", "3", "--no-compile"), variables=INTERPRETED)


@pytest.mark.parametrize("name", ["softmax_fp32", "rms_norm_quantize_fp8"])
def test_the_judge_takes_a_triton_solution_and_refuses_it_with_an_error(tmp_path: Path, name: str):
    text = (SOLUTIONS / name / "kernel.py").read_text()
    found = trial(tmp_path / "right", name, text)
    assert found["valid"], found["reason"]
    wrong = trial(tmp_path / "wrong", name, text.replace("mask=inside)", "mask=inside & (at != 2))"))
    assert failed(wrong) == {"gpu-kernel-poison"}
