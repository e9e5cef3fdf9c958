"""Tests of assay_judge.triage: the program, and what its parts say of single files."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from assay_judge import triage
from assay_judge.triage_names import Names
from assay_judge.triage_text import looks_encoded

PROGRAM = Path(__file__).resolve().parents[1] / "assay_judge" / "triage.py"


def ask(*requests: dict) -> list[dict]:
    """Answers of the program to requests on its standard input."""
    lines = "".join(json.dumps({"id": number, **request}) + "\n" for number, request in enumerate(requests))
    command = [sys.executable, "-I", "-S", str(PROGRAM)]
    ended = subprocess.run(command, input=lines.encode(), capture_output=True, check=True, timeout=60)
    assert ended.stderr == b""
    return [json.loads(line) for line in ended.stdout.splitlines()]


def look(after: str, before: str | None = None, others: list[str] | None = None) -> dict:
    return triage.look([{"path": "a.py", "before": before, "after": after}], others or [])[0]


def names_in(source: str) -> list[str]:
    return [finding["name"] for finding in look(source)["findings"]]


def test_the_program_answers_each_request_in_order_and_outlives_what_it_cannot_read() -> None:
    hostile = [
        "(" * 3000 + ")" * 3000,
        "-" * 100_000 + "1",
        "x" + ".a" * 50_000,
        "def f(:",
        "\0",
        "\ud800",
        "x = 9" * 5000,
    ]
    files = [{"path": "a.py", "after": text} for text in [*hostile, "import socket"]]
    answers = ask(*({"op": "look", "files": [file]} for file in files), {"op": "view", "files": files, "suspects": []})
    assert [answer["id"] for answer in answers] == list(range(len(files) + 1))
    assert all(answer["files"][0]["error"] for answer in answers[: len(hostile)])
    assert [finding["name"] for finding in answers[-2]["files"][0]["findings"]] == ["socket"]
    assert [("error" in file) for file in answers[-1]["files"]][-1] is False


def test_nothing_of_a_file_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    source = f'import os\nopen({str(mark)!r}, "w").write("x")\nX = eval("open({str(mark)!r}, chr(119))")\n'
    ask(
        {"op": "look", "files": [{"path": "a.py", "after": source}]},
        {"op": "view", "files": [{"path": "a.py", "after": source}]},
    )
    assert not mark.exists()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('"a" + "b" * 2', "abb"),
        ('"%s-%d" % ("a", 3)', "a-3"),
        ("\"{}{}\".format('x', 1)", "x1"),
        ('f"{1 + 1}x"', "2x"),
        ('"cba"[::-1]', "abc"),
        ('"".join(chr(c ^ 1) for c in [96, 99])', "ab"),
        ('"".join(map(chr, (111, 115)))', "os"),
        ('"".join(reversed("so"))', "os"),
        ('bytes([111, 115]).decode("ascii")', "os"),
        ('bytes.fromhex("6f73").decode()', "os"),
        ('__import__("codecs").decode("bf", "rot13")', "os"),
        ('"OS".lower().replace("s", "x")', "ox"),
        ("str(b'os', 'ascii')", "os"),
        # Not worked out: too large, or not a constant.
        ('"a" * 10**9', None),
        ('"%999999999d" % 1', None),
        ('"{:999999999}".format(1)', None),
        ("9**9**9", None),
        ("1 << 10**9", None),
        ("input()", None),
        ("bytes(10**9)", None),
        ('"a".join(["b" * 1000] * 1000)', None),
        ('"a".decode("zip")', None),
    ],
)
def test_constants_are_worked_out_within_bounds(expression: str, value: object) -> None:
    tree = ast.parse(expression, mode="eval")
    assert Names(list(ast.walk(tree))).fold(tree.body) == value


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import a.b as c\nx = c.d", "a.b.d"),
        ("from a import b as c\nx = c.d", "a.b.d"),
        ("import a\nc = a\nd = c.b\nx = d", "a.b"),
        ("import a, b\nc, d = a, b\nx = d.e", "b.e"),
        ("import a\ndef f(g=a.b):\n    x = g", "a.b"),
        ("import a\nfor m in [a]:\n    x = m.b", "a.b"),
        ("import a\nwith a.b as c:\n    x = c.d", "a.b.d"),
        ("import a\nx = (a if 1 else None).b", "a.b"),
        ("import a\nx = (q := a).b", "a.b"),
        ("import a\nx = [a][0].b", "a.b"),
        ("import a\nN = 'b'\nx = getattr(a, N)", "a.b"),
        ("import a\nx = a.__dict__['b']", "a.b"),
        ("import a\nx = object.__getattribute__(a, 'b')", "a.b"),
        ("x = __import__('a').b", "a.b"),
        ("from importlib import import_module as i\nx = i('a').b", "a.b"),
        ("from a import *\nx = b", "a.b"),
        ("import sys\nx = sys.modules['a'].b", "a.b"),
        ("def f():\n    pass\nx = f", None),
        ("x = x.y", None),
    ],
)
def test_names_are_followed(source: str, name: str | None) -> None:
    nodes = list(ast.walk(ast.parse(source)))
    assigned = [node for node in nodes if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "x"]
    found = Names(nodes).resolve(assigned[-1].value)
    assert (name in found) if name else not [one for one in found if not one.startswith("?")]


def test_only_what_the_change_brings_in_is_found() -> None:
    answer = look("import ctypes\nimport socket", before="import ctypes")
    assert [finding["name"] for finding in answer["findings"]] == ["socket"]


def test_what_exec_is_given_is_read_but_not_for_ever() -> None:
    assert "subprocess" in names_in("exec('import sub' + 'process')")
    nested = "import socket"
    for _ in range(6):
        nested = f"exec({nested!r})"
    assert "socket" not in names_in(nested)
    assert "builtins.exec" in names_in(nested)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("x = 1", "x = 1  # one", "same"),
        ("def f():\n    '''a'''\n    return 1", "def f():\n    return 1", "same"),
        ("def f(a):\n    return a", "def f(a: int) -> int:\n    return a", "same"),
        ("x = 1", "x = 1.0", "changed"),
        ("x = 1", "x = True", "changed"),
        ("x = 0.0", "x = -0.0", "changed"),
        ("x = 'a'", "x = b'a'", "changed"),
        # These may be read by what decorates or derives.
        ("@d\ndef f(a): return a", "@d\ndef f(a: int): return a", "changed"),
        ("class C(B):\n    a: int", "class C(B):\n    a: str", "changed"),
        ("def f(a): return a", "def f(a: print('x')): return a", "changed"),
        ("def f(): return f.__doc__", "def f():\n    'x'\n    return f.__doc__", "changed"),
        ("import inspect\nx = 1", "import inspect\nx = 1  # one", "changed"),
        # Constants.
        ("A = 1\nprint('x')", "A = 2\nprint('x')", "unread"),
        ("A = 1\nprint(A)", "A = 2\nprint(A)", "changed"),
        ("A = 1\ndef f(): return A", "A = 2\ndef f(): return A", "changed"),
        ("A = 1\ndef _f(): return A\nprint(1)", "A = 2\ndef _f(): return A\nprint(1)", "unread"),
        ("A = 1\ndef _f(): return A\nprint(_f())", "A = 2\ndef _f(): return A\nprint(_f())", "changed"),
        ("A = 1\nif False:\n    print(A)\nprint(1)", "A = 2\nif False:\n    print(A)\nprint(1)", "unread"),
        ("A = 1\nprint('A')", "A = 2\nprint('A')", "changed"),
        ("A = 1\nprint(m.A)", "A = 2\nprint(m.A)", "changed"),
        ("A = 1\nprint(globals())", "A = 2\nprint(globals())", "changed"),
        ("A = 1\nm.eval()\nprint(1)", "A = 2\nm.eval()\nprint(1)", "unread"),
        ("A = 1\nB = A\nprint(1)", "A = 2\nB = A\nprint(1)", "changed"),
        ("A = 1", "A = 2", "changed"),
        ("A = f()\nprint(1)", "A = g()\nprint(1)", "changed"),
        ("A = 1\nprint(1)", "A = 1\nA = 2\nprint(1)", "changed"),
    ],
)
def test_a_change_that_changes_nothing(before: str, after: str, change: str) -> None:
    assert look(after, before)["change"] == change


def test_a_constant_that_another_file_names_is_read() -> None:
    assert look("A = 2\nprint(1)", "A = 1\nprint(1)", ["from a import A"])["change"] == "changed"


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("U29tZSBieXRlcyB0aGF0IGFyZSBwYWNrZWQgaW50byB0ZXh0LCBhbmQgbG9uZyBlbm91Z2g=", True),
        ("3f8a1c0e9d7b5a2468ace13579bdf02468ace13579bdf0", True),
        (b"\x00\x91\x8f" * 20, True),
        ("scaled_dot_product_attention_with_causal_mask", False),
        ("It is a sentence with words in it, as most long texts of programs are.", False),
        ("for (int i = 0; i < n; i++) out[i] = exp(x[i]);", False),
    ],
)
def test_packed_data_is_told_from_words(value: str | bytes, encoded: bool) -> None:
    assert looks_encoded(value) is encoded


def test_a_file_of_2000_lines_takes_less_than_200_ms() -> None:
    """Of processor time, which holds on a busy machine. The parent is remembered, as in a campaign."""
    task = Path(__file__).resolve().parents[2] / "tasks" / "nanochat-cpu" / "train.py"
    before = "".join(task.read_text().replace("from __future__ import annotations\n", "") for _ in range(11))
    assert before.count("\n") > 2000
    look(before)
    seconds = []
    for run in range(3):
        started = time.process_time()
        assert look(f"{before}\nX = {run}\n", before)["nodes"] > 10_000
        seconds.append(time.process_time() - started)
    assert min(seconds) < 0.2
