"""Problems, workloads, solutions and traces of GPU kernels, in the schema of SOL-ExecBench (v1.0.2).

Standard library only, so that a description can be checked where there is no torch. A problem is a folder with
definition.json, reference.py (the text of the definition's reference, to be read), workload.jsonl and, of our own,
workload.cpu.jsonl (sizes for a machine without a GPU) and cost.json (operations, the unit that does them, bytes).
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

DTYPE_BYTES = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "float8_e4m3fn": 1,
    "float8_e5m2": 1,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "bool": 1,
}
"""Upstream also has 4-bit types, which no problem here uses."""
PYTHON_LANGUAGES = ("pytorch", "triton")
CPP_LANGUAGES = ("cuda_cpp",)
SOURCE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\.(py|cu|cpp|h|cuh)")
STATUSES = (
    "PASSED",
    "INVALID_REFERENCE",
    "INCORRECT_SHAPE",
    "INCORRECT_NUMERICAL",
    "INCORRECT_DTYPE",
    "RUNTIME_ERROR",
    "COMPILE_ERROR",
    "TIMEOUT",
    "REWARD_HACK",
)
UNITS = ("fp32", "fp16", "bf16", "fp8")
MAX_SOURCES = 16
MAX_SOURCE_BYTES = 200_000

Axes = dict[str, int]


class SchemaError(ValueError):
    """What a description says is not what the schema allows."""


@dataclass(frozen=True)
class Tensor:
    """One input or output. `shape`: axis names and numbers; None for a scalar."""

    name: str
    shape: tuple[str, ...] | None
    dtype: str

    def sizes(self, axes: Axes) -> tuple[int, ...]:
        return tuple(int(one) if one.isdigit() else axes[one] for one in self.shape or ())

    def nbytes(self, axes: Axes) -> int:
        """0 for a scalar, which travels with the call."""
        if self.shape is None:
            return 0
        count = 1
        for one in self.sizes(axes):
            count *= one
        return count * DTYPE_BYTES[self.dtype]


@dataclass(frozen=True)
class Workload:
    uuid: str
    axes: Axes
    inputs: dict[str, dict]
    tolerance: dict | None = None

    def to_json(self) -> dict:
        record = {"uuid": self.uuid, "axes": self.axes, "inputs": self.inputs}
        return record | ({"tolerance": self.tolerance} if self.tolerance is not None else {})


@dataclass(frozen=True)
class Cost:
    """What a problem must do at least, as expressions in its axes."""

    operations: str
    unit: str
    bytes: str | None = None
    """Where not all of the inputs has to be read; else inputs and outputs once each."""


@dataclass(frozen=True)
class Definition:
    name: str
    category: str
    axes: dict[str, dict]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    reference: str
    custom_inputs: str | None = None
    raw: dict = field(default_factory=dict, compare=False)

    def resolve(self, given: Axes) -> Axes:
        """All axes of a workload: constants, the given ones, and what follows from them. Raises SchemaError."""
        wanted = {name for name, axis in self.axes.items() if axis["type"] == "var"}
        if wanted != set(given):
            raise SchemaError(f"{self.name}: a workload gives the axes {sorted(given)}, not {sorted(wanted)}")
        found = dict(given) | {name: axis["value"] for name, axis in self.axes.items() if axis["type"] == "const"}
        for name, axis in self.axes.items():
            if axis["type"] == "expr":
                found[name] = int(evaluate(axis["expression"], found))
        return found


@dataclass(frozen=True)
class Problem:
    folder: Path
    definition: Definition
    workloads: tuple[Workload, ...]
    cpu_workloads: tuple[Workload, ...]
    cost: Cost

    def operations(self, axes: Axes) -> float:
        return float(evaluate(self.cost.operations, axes))

    def bytes(self, axes: Axes) -> float:
        """Least traffic with the device's memory: inputs once, outputs once."""
        if self.cost.bytes is not None:
            return float(evaluate(self.cost.bytes, axes))
        return float(self.footprint(axes))

    def footprint(self, axes: Axes) -> int:
        """Bytes of one set of inputs and outputs."""
        return sum(one.nbytes(axes) for one in (*self.definition.inputs, *self.definition.outputs))


@dataclass(frozen=True)
class Solution:
    name: str
    definition: str
    author: str
    language: str
    entry_file: str
    entry_function: str
    destination_passing: bool
    sources: dict[str, str]
    """Texts by file name."""
    raw: dict = field(default_factory=dict, compare=False)


def evaluate(expression: str, axes: Axes) -> float:
    """Arithmetic on axes: + - * / // and **, nothing else. Raises SchemaError."""
    try:
        return _value(ast.parse(expression, mode="eval").body, axes)
    except (SyntaxError, KeyError, ZeroDivisionError) as error:
        raise SchemaError(f"expression '{expression}': {error}") from error


def _value(node: ast.expr, axes: Axes) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.Name):
        return axes[node.id]
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, axes), _value(node.right, axes)
        operation = type(node.op)
        if operation is ast.Add:
            return left + right
        if operation is ast.Sub:
            return left - right
        if operation is ast.Mult:
            return left * right
        if operation is ast.Div:
            return left / right
        if operation is ast.FloorDiv:
            return left // right
        if operation is ast.Pow and abs(right) <= 4:
            return left**right
    raise SchemaError(f"'{ast.unparse(node)}' is not arithmetic on axes")


def parse_definition(record: dict) -> Definition:
    """Raises SchemaError."""
    name = record.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_\-]+", name):
        raise SchemaError(f"a definition needs a plain name, not {name!r}")
    unknown = set(record) - {
        "name",
        "op_type",
        "description",
        "hf_id",
        "axes",
        "custom_inputs_entrypoint",
        "inputs",
        "outputs",
        "reference",
    }
    if unknown:
        raise SchemaError(f"{name}: unknown fields {sorted(unknown)}")
    axes = record["axes"]
    for axis, described in axes.items():
        wanted = {"var": {"type"}, "const": {"type", "value"}, "expr": {"type", "expression"}}.get(described["type"])
        if wanted is None or set(described) - {"description"} != wanted:
            raise SchemaError(f"{name}: axis {axis} is {described}")
    inputs = _tensors(name, record["inputs"], axes)
    outputs = _tensors(name, record["outputs"], axes)
    if not outputs or any(one.shape is None for one in outputs):
        raise SchemaError(f"{name}: outputs must be tensors, at least one")
    _check_reference(name, record["reference"], [one.name for one in inputs], record.get("custom_inputs_entrypoint"))
    return Definition(
        name,
        record.get("op_type") or "other",
        axes,
        inputs,
        outputs,
        record["reference"],
        record.get("custom_inputs_entrypoint"),
        record,
    )


def _tensors(name: str, records: dict, axes: dict) -> tuple[Tensor, ...]:
    found = []
    for key, record in records.items():
        if record["dtype"] not in DTYPE_BYTES:
            raise SchemaError(f"{name}: {key} has the type {record['dtype']}, which is not supported")
        shape = record["shape"]
        for axis in shape or ():
            if axis not in axes and not axis.isdigit():
                raise SchemaError(f"{name}: the shape of {key} names {axis}, which is no axis")
        found.append(Tensor(key, None if shape is None else tuple(shape), record["dtype"]))
    return tuple(found)


def _check_reference(name: str, text: str, inputs: list[str], custom: str | None) -> None:
    functions = {one.name: one for one in ast.parse(text).body if isinstance(one, ast.FunctionDef)}
    if "run" not in functions or [one.arg for one in functions["run"].args.args] != inputs:
        raise SchemaError(f"{name}: the reference has no run({', '.join(inputs)})")
    if custom is not None and custom not in functions:
        raise SchemaError(f"{name}: the reference has no {custom}()")


def parse_workload(record: dict, definition: Definition) -> Workload:
    """Raises SchemaError."""
    unknown = set(record) - {"uuid", "axes", "inputs", "tolerance"}
    if unknown or not isinstance(record.get("uuid"), str):
        raise SchemaError(f"{definition.name}: a workload with unknown fields {sorted(unknown)} or without uuid")
    inputs = record["inputs"]
    if list(inputs) != [one.name for one in definition.inputs]:
        raise SchemaError(f"{definition.name}: the workload's inputs are not those of the definition")
    kinds = {one["type"] for one in inputs.values()}
    if not kinds <= {"random", "scalar", "custom"}:
        raise SchemaError(f"{definition.name}: inputs of type {sorted(kinds)} are not supported")
    if "custom" in kinds and (kinds != {"custom"} or definition.custom_inputs is None):
        raise SchemaError(f"{definition.name}: custom inputs need custom_inputs_entrypoint, for all inputs or none")
    definition.resolve(record["axes"])
    return Workload(record["uuid"], record["axes"], inputs, record.get("tolerance"))


def parse_solution(record: dict, folder: Path | None = None) -> Solution:
    """`folder` holds the files whose content is empty. Raises SchemaError."""
    name = record.get("name", "")
    specification = record["spec"]
    languages = specification["languages"]
    if len(languages) != 1 or languages[0] not in PYTHON_LANGUAGES + CPP_LANGUAGES:
        raise SchemaError(f"{name}: languages {languages}: one of {', '.join(PYTHON_LANGUAGES + CPP_LANGUAGES)}")
    sources: dict[str, str] = {}
    for source in record["sources"]:
        path = source["path"]
        if not SOURCE_NAME.fullmatch(path) or path in sources:
            raise SchemaError(f"{name}: the source path {path!r} is not a plain new file name")
        if not source.get("content") and folder is None:
            raise SchemaError(f"{name}: the source {path} has no content")
        sources[path] = source.get("content") or (folder / path).read_text()
    if len(sources) > MAX_SOURCES or sum(len(one.encode()) for one in sources.values()) > MAX_SOURCE_BYTES:
        raise SchemaError(f"{name}: at most {MAX_SOURCES} sources with {MAX_SOURCE_BYTES} bytes in all")
    file, _, function = specification["entry_point"].partition("::")
    if file not in sources or not function.isidentifier():
        raise SchemaError(f"{name}: the entry point {specification['entry_point']!r} is not a function of a source")
    return Solution(
        name,
        record["definition"],
        record.get("author", ""),
        languages[0],
        file,
        function,
        specification.get("destination_passing_style", True),
        sources,
        record,
    )


def load_problem(folder: Path) -> Problem:
    """Raises SchemaError; OSError when a file is missing."""
    definition = parse_definition(json.loads((folder / "definition.json").read_text()))
    cost = Cost(**json.loads((folder / "cost.json").read_text()))
    if cost.unit not in UNITS:
        raise SchemaError(f"{definition.name}: the unit {cost.unit} is none of {', '.join(UNITS)}")
    lists = [_workloads(folder / file, definition) for file in ("workload.jsonl", "workload.cpu.jsonl")]
    return Problem(folder, definition, lists[0], lists[1], cost)


def _workloads(path: Path, definition: Definition) -> tuple[Workload, ...]:
    lines = path.read_text().splitlines()
    return tuple(parse_workload(json.loads(line), definition) for line in lines if line.strip())


def load_solution(path: Path) -> Solution:
    """A solution.json, with the sources it does not hold beside it. Raises SchemaError."""
    return parse_solution(json.loads(path.read_text()), path.parent)


def problem_folders(root: Path) -> list[Path]:
    return sorted(path.parent for path in root.glob("*/*/definition.json"))


def trace(definition: str, workload: Workload, solution: str, evaluation: dict) -> dict:
    """One trace as upstream writes them, one JSON object a line. Raises SchemaError."""
    if evaluation.get("status") not in STATUSES:
        raise SchemaError(f"{evaluation.get('status')} is no status")
    return {"definition": definition, "workload": workload.to_json(), "solution": solution, "evaluation": evaluation}
