"""Profiles of real training programs on a CPU: what is counted is what the program does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from assay_judge.profile_training import covered, operations_of

torch = pytest.importorskip("torch")
TASKS = Path(__file__).resolve().parents[2] / "tasks"
PACKAGE = Path(__file__).resolve().parents[1]
SMALL = {"LAYERS": 1, "WIDTH": 32, "HEADS": 2, "BATCH_ROWS": 2, "TRAIN_LENGTH": 64}


def profiled(workspace: Path, *arguments: str) -> tuple[subprocess.CompletedProcess, dict | None]:
    """Runs the program below `workspace` with the profiler. Returns its end, and the profile if it left one."""
    out = workspace / "profile.json"
    process = subprocess.run(
        [sys.executable, "-P", "-m", "assay_judge.profile_training", "--out", str(out), *arguments, "train.py"],
        cwd=workspace,
        env=os.environ
        | {"PYTHONPATH": str(PACKAGE), "ASSAY_SEED": "1", "ASSAY_BUDGET_SECONDS": "60", "OMP_NUM_THREADS": "1"}
        | {"ASSAY_DATA": str(workspace), "ASSAY_OUTPUT": str(workspace)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return process, json.loads(out.read_text()) if out.is_file() else None


def workspace_of(task: str, folder: Path, sizes: dict[str, int]) -> Path:
    """The start of a task at the size of one core."""
    for name in ("train.py", "harness.py"):
        text = (TASKS / task / name).read_text()
        for constant, value in sizes.items():
            text = re.sub(rf"^{constant} = .*$", f"{constant} = {value}", text, flags=re.MULTILINE)
        (folder / name).write_text(text)
    (folder / "train.bin").write_bytes(os.urandom(1 << 16))
    return folder


def operations_by_hand(rows: int, length: int, layers: int, width: int, heads: int) -> int:
    """One step of the tasks' transformer: three products for each weight of a linear layer, attention 1 + 2.5 times."""
    linear = layers * (3 + 1 + 4 + 4) * width * width + width * 256
    attention = layers * 4 * rows * heads * length * length * (width // heads)
    return 6 * rows * length * linear + attention * 7 // 2


def test_a_profile_counts_what_the_program_does(tmp_path):
    _, found = profiled(workspace_of("nanochat-gpu", tmp_path, SMALL), "--warm", "6", "--steps", "3")
    assert found is not None
    assert found["steps"] == 3
    assert found["operationsPerStep"] == operations_by_hand(rows=2, length=64, layers=1, width=32, heads=2)
    assert 0 < found["mfu"] < 1
    assert found["mfu"] == pytest.approx(
        found["operationsPerStep"] / found["secondsPerStep"] / found["matrixOperationsPerSecond"]
    )
    assert 0 < sum(one["share"] for one in found["top"]) <= 1 + 1e-9
    assert any("mm" in one["name"] for one in found["top"])
    assert all(one["callsPerStep"] > 0 for one in found["top"])
    assert found["peakMemoryBytes"] > 10 << 20
    assert "idleShare" not in found  # nothing on a CPU says when it did nothing


def test_a_program_that_is_fed_by_a_judge_gets_random_batches(tmp_path):
    sizes = SMALL | {"BATCH_ROWS": 4, "STEPS": 40}
    process, found = profiled(workspace_of("speedrun-mini", tmp_path, sizes), "--fed", "4x257", "--warm", "4")
    assert found is not None, process.stderr
    assert found["operationsPerStep"] == operations_by_hand(rows=4, length=256, layers=1, width=32, heads=2)


@pytest.mark.parametrize(
    ("program", "words"),
    [("raise SystemExit(3)", "0 backward passes"), ("import torch\nprint(torch.ones(1))", "0 backward passes")],
)
def test_a_program_that_trains_too_little_leaves_no_profile(tmp_path, program: str, words: str):
    (tmp_path / "train.py").write_text(program)
    process, found = profiled(tmp_path)
    assert process.returncode == 1
    assert found is None
    assert words in process.stderr


def test_operations_come_from_shapes_alone():
    assert operations_of("aten::mm", [[3, 4], [4, 5]]) == 2 * 3 * 4 * 5
    assert operations_of("aten::addmm", [[5], [3, 4], [4, 5]]) == 2 * 3 * 4 * 5
    assert operations_of("aten::bmm", [[7, 3, 4], [7, 4, 5]]) == 7 * 2 * 3 * 4 * 5
    query, key = [2, 3, 8, 16], [2, 3, 10, 16]
    forward = operations_of("aten::_scaled_dot_product_flash_attention", [query, key, key])
    assert forward == 4 * 2 * 3 * 8 * 10 * 16
    name = "aten::_scaled_dot_product_flash_attention_backward"
    assert operations_of(name, [query, query, key, key]) == forward * 5 // 2
    assert operations_of("aten::mm", []) == 0
    assert operations_of("aten::add", [[9, 9], [9, 9]]) == 0


def test_work_that_overlaps_is_busy_once():
    assert covered([(5, 6), (0, 2), (1, 3), (1, 2)]) == 4
    assert covered([]) == 0
