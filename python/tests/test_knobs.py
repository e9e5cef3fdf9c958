"""Tests of assay_judge.knobs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[1] / "assay_judge" / "knobs.py"


def run(*sources: bytes | str) -> list[dict]:
    """What the program says about each source, given as frames on its standard input."""
    frames = b""
    for index, source in enumerate(sources):
        data = source.encode() if isinstance(source, str) else source
        frames += b"%d file%d.py\n" % (len(data), index) + data
    command = [sys.executable, "-I", "-S", str(PROGRAM), "-"]
    ended = subprocess.run(command, input=frames, capture_output=True, check=True, timeout=20)
    assert ended.stderr == b""
    return [json.loads(line) for line in ended.stdout.splitlines()]


def values(source: bytes | str) -> dict[str, object]:
    return {constant["name"]: constant["value"] for constant in run(source)[0]["constants"]}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("A = 1", {"A": 1}),
        ("A: float = 1e-3", {"A": 1e-3}),
        ("A = -0.5", {"A": -0.5}),
        ("A = 2**14", {"A": 16384}),
        ("A = 64 * 1024 // 2 - 1", {"A": 32767}),
        ("A = 1 << 4", {"A": 16}),
        ("A = True\nB = 'x'", {"A": True, "B": "x"}),
        ("BETAS = (0.9, 0.95)", {"BETAS[0]": 0.9, "BETAS[1]": 0.95}),
        ("A = [[1, 2], 3]", {"A[0][0]": 1, "A[0][1]": 2, "A[1]": 3}),
        ("A, B = 1, 2", {"A": 1, "B": 2}),
        ("A = 1; B = 2", {"A": 1, "B": 2}),
        ("A = 50_000", {"A": 50000}),
        ("A = (\n    3\n)", {"A": 3}),
        # Not knobs.
        ("a = 1\n_A = 1\nA = None\nB = b'x'\nC = 1j\nD = f(1)\nE = f'{1}'", {}),
        ("A = 1\nA = 2", {}),
        ("A = 1\nA += 2", {}),
        ("A = 1\nif x:\n    A = 2", {}),
        ("A = 1\ndef f():\n    global A\n    A = 2", {}),
        ("A = 1\nfor A in x: pass", {}),
        ("A = 1\nfrom x import A", {}),
        ("A = B = 1", {}),
        ("A, *B = 1, 2", {"A": 1}),
        ("if x:\n    A = 1", {}),
        ("A = 9**9**9\nB = 1e999\nC = 1 / 0\nD = 2**60\nE = 'a' * 3\nF = -True\nG = (1, f())", {}),
        # Not the module's own binding.
        ("A = 1\ndef f():\n    A = 2\nclass C:\n    A = 3", {"A": 1}),
    ],
)
def test_finds_constants_whose_value_is_a_literal(source: str, expected: dict[str, object]) -> None:
    assert values(source) == expected


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_span_is_exactly_the_literal(newline: str, mark: str) -> None:
    lines = [
        "# \N{GREEK SMALL LETTER BETA}\x0c",
        "ÄÖ = 'é'; RATE = 1e-3  # step",
        "BETAS = (",
        "  .9, # ä",
        "  -.95)",
    ]
    data = (mark + newline.join(lines) + newline).encode()
    constants = {constant["name"]: constant for constant in run(data)[0]["constants"]}
    assert set(constants) == {"RATE", "BETAS[0]", "BETAS[1]"}
    texts = {name: data[constant["start"] : constant["end"]] for name, constant in constants.items()}
    assert texts == {"RATE": b"1e-3", "BETAS[0]": b".9", "BETAS[1]": b"-.95"}
    assert constants["RATE"]["comment"] == "step"
    assert (constants["RATE"]["line"], constants["BETAS[1]"]["line"]) == (2, 5)
    assert constants["RATE"]["column"] == len("ÄÖ = 'é'; RATE = ".encode())


@pytest.mark.parametrize(
    ("source", "error", "line"),
    [
        ("A = 1\nB = (", "never closed", 2),
        (b"A = 1\nB = '\xff'", "not UTF-8", 2),
        (b"A = 1\0", "null", 1),
        ("A = " + "(" * 5000 + "1" + ")" * 5000, "", 1),
        ("A = " + "-" * 100_000 + "1", "", 1),
    ],
    ids=["syntax", "bytes", "null", "brackets", "minus"],
)
def test_what_is_no_python_is_an_error_with_its_line(source: bytes | str, error: str, line: int) -> None:
    bad, good = run(source, "A = 1")
    assert error in bad["error"] and bad["error"] and bad["line"] == line
    assert good["constants"][0]["value"] == 1, "the next file is read all the same"


def test_files_are_read_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("A = 1\n")
    command = [sys.executable, "-I", "-S", str(PROGRAM), str(tmp_path / "a.py")]
    ended = subprocess.run(command, capture_output=True, check=True, timeout=20)
    assert json.loads(ended.stdout)["constants"][0]["text"] == "1"


def test_the_file_is_never_run(tmp_path: Path) -> None:
    assert values(f"open({str(tmp_path / 'ran')!r}, 'w')\nA = 1") == {"A": 1}
    assert not (tmp_path / "ran").exists()
