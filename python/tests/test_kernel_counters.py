"""Counters through a stand-in for ncu: its table, its refusal, its absence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from assay_judge import kernel_counters

HEAD = '"ID","Process ID","Kernel Name",' + ",".join(f'"{one}"' for one in kernel_counters.METRICS.values())
TABLE = f"""==PROF== Connected to process 7
{HEAD}
"","","","nsecond","%","%","%","%","register/thread"
"0","7","void softmax<4, float>(float *)","12,500","81.5","80.0","12.25","50.0","32"
"1","7","copy","1000","90","n/a","3","25","16"
==PROF== Disconnected
"""
REFUSED = "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access NVIDIA GPU Performance Counters"


def stand_in(folder: Path, output: str) -> str:
    """A program that says what ncu would, and keeps what it was given."""
    path = folder / "ncu"
    keep = f"open({str(folder / 'given')!r}, 'w').write(' '.join(sys.argv))"
    path.write_text(f"#!{sys.executable}\nimport sys\n{keep}\nprint({output!r})\n")
    path.chmod(0o755)
    return str(path)


def test_each_launch_is_read_with_what_the_device_counts(tmp_path):
    found = kernel_counters.count(["python", "x.py"], tool=stand_in(tmp_path, TABLE))
    assert found.why == ""
    first, second = found.kernels
    assert first["name"] == "void softmax<4, float>(float *)"
    assert first["seconds"] == pytest.approx(12.5e-6)
    assert first["dram_share"] == pytest.approx(0.8)
    assert first["registers"] == 32
    assert "dram_share" not in second  # unknown is unknown
    given = (tmp_path / "given").read_text()
    assert "--clock-control none" in given
    assert given.endswith("python x.py")


@pytest.mark.parametrize(("output", "words"), [(REFUSED, "ERR_NVGPUCTRPERM"), ("", "counted nothing")])
def test_a_machine_that_allows_nothing_is_said(tmp_path, output: str, words: str):
    found = kernel_counters.count(["python", "x.py"], tool=stand_in(tmp_path, output))
    assert found.kernels == []
    assert words in found.why


def test_a_machine_without_the_program_is_said():
    assert "no program" in kernel_counters.count(["x"], tool="ncu-that-is-not-there").why
