"""Tests of assay_judge.planted_noise."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from assay_judge.planted_noise import SIGMA, measure, planted_gain

TASK = Path(__file__).resolve().parents[2] / "tasks" / "null-planted"


def run(candidate: Path, result: Path, seed: int = 1) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-S",
        "-m",
        "assay_judge.planted_noise",
        candidate,
        "--result",
        result,
        "--seed",
        str(seed),
    ]
    folder = Path(__file__).resolve().parents[1]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=20)


@pytest.mark.parametrize(
    ("source", "gain"),
    [
        ("", 0.0),
        ("PLANTED_A = 0.5\nPLANTED_B = 2\nPLANTED_C = -1.0\n", 1.5),
        ("WIDTH = 9\nplanted_a = 9\nNOT_PLANTED_A = 9\n", 0.0),
        ("if True:\n    PLANTED_A = 9\ndef f():\n    PLANTED_B = 9\n", 0.0),
        ("first = second = 1\nPLANTED_A = 1\n", 1.0),
    ],
)
def test_the_gain_is_the_sum_of_the_planted_constants_of_the_module(source: str, gain: float) -> None:
    assert planted_gain(source) == gain


def test_the_candidate_is_read_and_never_run(tmp_path: Path) -> None:
    source = f"open({str(tmp_path / 'ran')!r}, 'w').close()\nPLANTED_A = 1.0\n"
    assert planted_gain(source) == 1.0
    assert not (tmp_path / "ran").exists()


def test_a_constant_that_is_no_plain_number_is_refused() -> None:
    with pytest.raises(ValueError):
        planted_gain("PLANTED_A = __import__('os').getpid()\n")


def test_the_shipped_starting_point_plants_nothing() -> None:
    assert planted_gain((TASK / "candidate.py").read_text()) == 0


def test_the_noise_has_its_size_and_the_gain_its_sign() -> None:
    plain = [measure("", seed) for seed in range(4000)]
    better = [measure("PLANTED_A = 2.0\n", seed) for seed in range(4000)]
    assert statistics.stdev(plain) == pytest.approx(SIGMA, rel=0.06)
    assert statistics.mean(plain) == pytest.approx(1, abs=4 * SIGMA / 4000**0.5)
    assert statistics.mean(plain) - statistics.mean(better) == pytest.approx(2 * SIGMA, abs=6 * SIGMA / 4000**0.5)


def test_the_two_sides_of_a_pair_share_half_of_the_variance() -> None:
    left, right = ([measure("", seed) for seed in range(4000)] for _ in range(2))
    assert statistics.correlation(left, right) == pytest.approx(0.5, abs=0.06)


def test_the_result_is_whole_and_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    candidate, result = tmp_path / "candidate.py", tmp_path / "result.json"
    candidate.write_text("PLANTED_A = 0.0\n")
    result.write_text("an older result that is longer than the new one could ever be" * 20)
    ended = run(candidate, result)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    written = json.loads(result.read_text())
    assert written["valid"] is True
    assert written["metric"] == "loss"
    assert written["metrics"] == {"loss": written["value"]}
    assert abs(written["value"] - 1) < 8 * SIGMA
    assert sorted(path.name for path in tmp_path.iterdir()) == ["candidate.py", "result.json"]


def test_a_candidate_that_cannot_be_read_leaves_no_result(tmp_path: Path) -> None:
    candidate, result = tmp_path / "candidate.py", tmp_path / "result.json"
    candidate.write_text("PLANTED_A = (\n")
    assert run(candidate, result).returncode != 0
    assert not result.exists()
