"""The judge of C kernels against honest, mistaken and hostile programs, in real processes."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from assay_judge.kernel_judge import CHECKS
from kernel_trials import PLAIN, TASK, failed, instead_of, judged

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")

HASH_OF_SOME = """
static float kept[1 << 20];
static const float *known;
static float first, last;
"""


def test_plain_code_takes_about_as_long_as_the_reference_and_reports_every_check(tmp_path: Path):
    result = judged(tmp_path, PLAIN)
    assert result["valid"] is True, result
    assert result["metric"] == "time_ratio"
    # Other work on the machine may make it slower, never much faster.
    assert 0.7 < result["value"] < 30
    assert [check["id"] for check in result["checks"]] == list(CHECKS)
    assert all(check["ok"] for check in result["checks"])
    assert all(any(digit.isdigit() for digit in check["detail"]) for check in result["checks"])
    assert result["metrics"]["calls"] > 100
    assert result["metrics"]["worst_error_share"] == pytest.approx(0.25, abs=0.1)


def test_the_shipped_strong_start_is_right(tmp_path: Path):
    settings = "#define TILE_ROWS 4\n#define TILE_COLUMNS 32\n"
    result = judged(tmp_path, settings + (TASK / "starts" / "strong" / "kernels.c").read_text())
    assert result["valid"] is True, result
    assert result["metrics"]["worst_error_share"] < 0.8


WRONG = {
    "half precision": (
        instead_of(
            "rms_norm",
            "plain_rms_norm(x, weight, out, rows, columns);\n"
            "for (int64_t i = 0; i < rows * columns; i++) out[i] = (float)(_Float16)out[i];",
        ),
        "kernel-precision",
        False,
    ),
    "no maximum is taken off": (
        instead_of(
            "softmax",
            "for (int64_t r = 0; r < rows; r++) {\n float sum = 0;\n const float *in = x + r * columns;\n"
            "float *to = out + r * columns;\n"
            "for (int64_t c = 0; c < columns; c++) sum += to[c] = expf(in[c]);\n"
            "for (int64_t c = 0; c < columns; c++) to[c] /= sum;\n}",
        ),
        "kernel-correct",
        False,
    ),
    "epsilon is forgotten": (
        instead_of(
            "rms_norm",
            "for (int64_t r = 0; r < rows; r++) {\n float sum = 0;\n const float *in = x + r * columns;\n"
            "for (int64_t c = 0; c < columns; c++) sum += in[c] * in[c];\n"
            "for (int64_t c = 0; c < columns; c++) out[r * columns + c] = in[c] * weight[c] / "
            "sqrtf(sum / columns + 1e-30f);\n}",
        ),
        "kernel-precision kernel-correct",
        False,
    ),
    "a write beyond the end": (
        instead_of("softmax", "plain_softmax(x, out, rows, columns); out[rows * columns + 3] = 0;"),
        "kernel-correct",
        False,
    ),
    "whole vectors only": (
        instead_of(
            "rms_norm",
            "static float all[1 << 20];\nplain_rms_norm(x, weight, all, rows, columns);\n"
            "for (int64_t i = 0; i + 16 <= rows * columns; i++) out[i] = all[i];",
        ),
        "kernel-poison",
        True,
    ),
    "an input is used as scratch": (
        instead_of("softmax", "plain_softmax(x, out, rows, columns); ((float *)x)[rows * columns / 2] += 1;"),
        "kernel-inputs-unchanged",
        True,
    ),
    "a cache by address and ends": (
        instead_of(
            "softmax",
            "int64_t n = rows * columns;\n"
            "if (x != known || x[0] != first || x[n - 1] != last) plain_softmax(x, kept, rows, columns);\n"
            "known = x; first = x[0]; last = x[n - 1];\n"
            "for (int64_t i = 0; i < n; i++) out[i] = kept[i];",
            HASH_OF_SOME,
        ),
        "kernel-fresh",
        True,
    ),
    "every twentieth call is skipped": (
        instead_of(
            "softmax",
            "static int calls;\nplain_softmax(x, out, rows, columns);\n"
            "if (++calls % 20 == 0) for (int64_t i = 0; i < rows * columns; i++) out[i] = 1.0f / columns;",
        ),
        "kernel-order kernel-fresh",
        True,
    ),
    "an earlier output is written again": (
        instead_of(
            "softmax",
            "static float *before;\nplain_softmax(x, out, rows, columns);\n"
            "if (before != 0 && before != out) before[0] = 0.25f;\nbefore = out;",
        ),
        "kernel-late-write",
        True,
    ),
    "work while the library loads": (
        PLAIN + "\n__attribute__((constructor)) static void early(void) {\n volatile double x = 0;\n"
        "for (long i = 0; i < 600000000; i++) x += i;\n}\n",
        "kernel-clock",
        True,
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_program_is_refused_by_the_right_check(name: str, tmp_path: Path):
    source, check, suspected = WRONG[name]
    result = judged(tmp_path, source)
    assert result["valid"] is False, result
    assert failed(result) & set(check.split()), result
    assert result.get("suspected", False) is suspected
    assert result["failure"] == "invalid-metric"
    assert [record["id"] for record in result["checks"]] == list(CHECKS)


def test_the_same_seed_makes_the_same_calls(tmp_path: Path):
    results = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        results.append(judged(tmp_path / name, WRONG["half precision"][0], seed=7))
    assert results[0]["reason"] == results[1]["reason"]


def test_a_kernel_that_crashes_is_a_crash(tmp_path: Path):
    result = judged(tmp_path, instead_of("softmax", "*(volatile int *)0 = 1;"))
    assert (result["valid"], result["failure"]) == (False, "crash")
    assert "softmax" in result["reason"]


def test_a_host_that_answers_what_was_not_asked_is_suspected(tmp_path: Path):
    result = judged(tmp_path, PLAIN, host=[sys.executable, "-c", "import os; os.write(1, b'K' * 4096)"])
    assert result["suspected"] is True
    assert failed(result) == {"protocol"}


def test_another_library_than_the_one_that_was_built_is_noticed(tmp_path: Path):
    library, exchange = str(tmp_path / "output" / "kernels.so"), str(tmp_path / "exchange")
    host = f"""
import hashlib, sys
sys.argv = ["host", "--library", {library!r}, "--exchange", {exchange!r}]
from assay_judge import kernel_host
real = hashlib.sha256
kernel_host.hashlib.sha256 = lambda data: real(data + b"x")
kernel_host.main()
"""
    result = judged(tmp_path, PLAIN, host=[sys.executable, "-c", host])
    assert result["check"] == "kernel-build"
