"""Looks at changed Python files without running them: what an audit of a change needs of Python's own parser.

    python3 -I -S triage.py        answers requests, a line of JSON each, until its input ends

Requests:
    {"id": 1, "op": "look", "files": [{"path", "before"?, "after"?}], "others": [text, …]}
        -> {"id": 1, "python": "3.11",
            "files": [{"path", "lines", "nodes", "error"?, "findings", "literals", "change", "names"?}]}
        findings and literals: those of `after` that no `before` has. change: 'same', 'unread' (constants that nothing
        reads have other values; with their names) or 'changed'. error: why the file could not be read; then there are
        no findings.
    {"id": 2, "op": "view", "files": [{"path", "before"?, "after"?}], "suspects": [word, …]}
        -> {"id": 2, "files": [{"path", "before"?, "after"?, "error"?}]}    sources without the words in them

What can't be read is said, never an error of the program: files that are no Python, too large or nested too deeply.
"""

from __future__ import annotations

import ast
import json
import os
import sys
import tokenize
import warnings
from collections import OrderedDict
from dataclasses import dataclass, field

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge.triage_look import Look
from assay_judge.triage_silent import are_unread, difference
from assay_judge.triage_text import View, literals

LARGEST_SOURCE = 1_000_000
"""Characters."""
MOST_NODES = 300_000
REMEMBERED = 32
"""Files whose looks are remembered: a parent is looked at once for all of its children."""
MEMORY_BYTES = 2 * 2**30
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass
class Source:
    """One text, read."""

    lines: int
    tree: ast.Module | None = None
    nodes: int = 0
    error: str | None = None
    findings: list[dict] = field(default_factory=list)
    literals: list[dict] = field(default_factory=list)


remembered: OrderedDict[str, Source] = OrderedDict()


def read(text: str) -> Source:
    """Reads a text, or remembers it."""
    source = remembered.get(text)
    if source is None:
        source = read_anew(text)
        remembered[text] = source
        while len(remembered) > REMEMBERED:
            remembered.popitem(last=False)
    remembered.move_to_end(text)
    return source


def read_anew(text: str) -> Source:
    source = Source(lines=text.count("\n") + (not text.endswith("\n") and text != ""))
    if len(text) > LARGEST_SOURCE:
        source.error = f"it has {len(text)} characters, more than {LARGEST_SOURCE}"
        return source
    try:
        tree = ast.parse(text)
        nodes = list(ast.walk(tree))
        source.nodes = len(nodes)
        if len(nodes) > MOST_NODES:
            source.error = f"it has {len(nodes)} nodes, more than {MOST_NODES}"
            return source
        source.findings = Look(tree, nodes).findings
        source.literals = literals(nodes)
        source.tree = tree
    except SyntaxError as error:
        source.error = f"does not parse as Python {VERSION}: {error.msg} (line {error.lineno})"
    except (RecursionError, MemoryError):
        source.error = "it is nested too deeply"
    except (ValueError, OverflowError, UnicodeError) as error:
        source.error = f"does not parse as Python {VERSION}: {error}"
    return source


def look(files: list[dict], others: list[str]) -> list[dict]:
    """The answer's files; see the top."""
    known: set[tuple] = set()
    packed: set[str] = set()
    for file in files:
        before = read(file["before"]) if file.get("before") is not None else None
        if before is not None:
            known.update((finding["audit"], finding["name"]) for finding in before.findings)
            packed.update(literal["digest"] for literal in before.literals)
    answers = []
    for file in files:
        after = read(file["after"]) if file.get("after") is not None else Source(lines=0, tree=None)
        answer: dict = {"path": file["path"], "lines": after.lines, "nodes": after.nodes}
        if after.error:
            answer["error"] = after.error
        answer["findings"] = [one for one in after.findings if (one["audit"], one["name"]) not in known]
        answer["literals"] = [one for one in after.literals if one["digest"] not in packed]
        answer |= change_of(file, after, others)
        answers.append(answer)
    return answers


def change_of(file: dict, after: Source, others: list[str]) -> dict:
    if file.get("before") is None or file.get("after") is None:
        return {"change": "changed"}
    before = read(file["before"])
    if file["before"] == file["after"]:
        return {"change": "same"}
    if before.tree is None or after.tree is None:
        return {"change": "changed"}
    try:
        names = difference(before.tree, after.tree, file["before"] + file["after"])
        if names is None:
            return {"change": "changed"}
        if not names:
            return {"change": "same"}
        is_unread = are_unread(names, after.tree, file["after"], others)
        return {"change": "unread", "names": sorted(names)[:20]} if is_unread else {"change": "changed"}
    except (RecursionError, MemoryError):
        return {"change": "changed"}


def view(files: list[dict], suspects: list[str]) -> list[dict]:
    """The answer's files; see the top."""
    shown = View(frozenset(suspects))
    answers = []
    for file in files:
        answer = {"path": file["path"]}
        for side in ("before", "after"):
            if file.get(side) is None:
                continue
            try:
                if len(file[side]) > LARGEST_SOURCE:
                    raise ValueError(f"it has more than {LARGEST_SOURCE} characters")
                answer[side] = shown.of(file[side])
            except (SyntaxError, tokenize.TokenError, ValueError, RecursionError, MemoryError) as error:
                answer["error"] = str(error)[:200] or "it can't be read"
        answers.append(answer)
    return answers


def answer_to(line: bytes) -> dict:
    request = json.loads(line)
    answer = {"id": request["id"], "python": VERSION}
    if request["op"] == "view":
        return {**answer, "files": view(request["files"], request.get("suspects", []))}
    return {**answer, "files": look(request["files"], request.get("others", []))}


def limit_memory() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        pass


def main() -> None:
    warnings.simplefilter("ignore")
    limit_memory()
    while line := sys.stdin.buffer.readline():
        # Lone surrogates of a hostile text must not end us: everything is escaped.
        sys.stdout.write(json.dumps(answer_to(line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
