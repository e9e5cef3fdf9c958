"""Reads and writes the files of SOL-ExecBench: problems, and records one a line. What is in them: sol_schema.py."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assay_judge.sol_schema import FieldError, Record, read_definition, read_trace, read_workload, resolve_axes


@dataclass(frozen=True)
class SolProblem:
    definition: Record
    workloads: tuple[Record, ...]

    @property
    def name(self) -> str:
        return str(self.definition["name"])


def parse_json(text: str, field: str) -> object:
    """One JSON document in which no key stands twice and every number is one. Raises FieldError."""

    def paired(pairs: list[tuple[str, object]]) -> Record:
        found: Record = {}
        for name, value in pairs:
            if name in found:
                raise FieldError(f"{field}.{name}", "is there twice")
            found[name] = value
        return found

    def constant(name: str) -> float:
        raise FieldError(field, f"{name} is no number")

    try:
        return json.loads(text, object_pairs_hook=paired, parse_constant=constant)
    except (json.JSONDecodeError, RecursionError) as error:
        raise FieldError(field, f"is no JSON: {error}") from error


def parse_lines(text: str, field: str, read: Callable[[object, str], Record]) -> list[Record]:
    """One JSON document a line, empty lines left out. Raises FieldError, which names the line."""
    # Not splitlines(): text within a document may hold other ends of lines.
    lines = [(number, line) for number, line in enumerate(re.split(r"\r?\n", text), 1) if line.strip()]
    return [read(parse_json(line, f"{field}:{number}"), f"{field}:{number}") for number, line in lines]


def load_problem(folder: Path) -> SolProblem:
    """definition.json and workload.jsonl of a folder, fitting each other.

    Raises FieldError; OSError for a missing file.
    """
    text = (folder / "definition.json").read_text(encoding="utf-8")
    definition = read_definition(parse_json(text, "definition.json"), "definition.json")
    text = (folder / "workload.jsonl").read_text(encoding="utf-8")
    workloads = parse_lines(text, "workload.jsonl", read_workload)
    seen: set[object] = set()
    for number, workload in enumerate(workloads, 1):
        field = f"workload.jsonl, workload {number}"
        resolve_axes(definition, workload, field)
        if set(workload["inputs"]) != set(definition["inputs"]):
            raise FieldError(
                f"{field}.inputs", f"names {sorted(workload['inputs'])}, not {sorted(definition['inputs'])}"
            )
        if workload["uuid"] in seen:
            raise FieldError(f"{field}.uuid", f"'{workload['uuid']}' is there twice")
        seen.add(workload["uuid"])
    if not workloads:
        raise FieldError("workload.jsonl", "has no workload")
    return SolProblem(definition, tuple(workloads))


def to_line(record: Record) -> str:
    """One line of JSON, strict: NaN and infinity are refused with ValueError."""
    return json.dumps(record, allow_nan=False)


def write_lines(path: Path, records: list[Record]) -> None:
    path.write_text("".join(to_line(one) + "\n" for one in records), encoding="utf-8")


def make_trace(problem: SolProblem, workload: Record, solution: str, evaluation: Record) -> Record:
    """A trace as upstream writes it. Raises FieldError where upstream would not take it."""
    return read_trace(
        {"definition": problem.name, "workload": workload, "solution": solution, "evaluation": evaluation}
    )
