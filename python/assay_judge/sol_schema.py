"""Definitions, workloads, solutions and traces of SOL-ExecBench (NVIDIA/SOL-ExecBench, v1.0.2), read and written.

Each `read_…` takes a parsed JSON value and returns it whole, as upstream's own models write it: every field, defaults
filled in, in upstream's order. A FieldError names the field, such as `definition.inputs.x.dtype`. Fields that upstream
does not know are left out, as it does. Numbers are never made from text, which upstream would do.
Standard library only: candidates' phases and machines without torch use it too.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

DTYPES = (
    "float64",
    "float32",
    "float16",
    "bfloat16",
    "float8_e4m3fn",
    "float8_e5m2",
    "float4_e2m1",
    "float4_e2m1fn_x2",
    "int64",
    "int32",
    "int16",
    "int8",
    "bool",
)
PYTHON_LANGUAGES = ("pytorch", "triton", "cute_dsl", "cutile", "cudnn_frontend")
CPP_LANGUAGES = ("cutlass", "cudnn", "cublas", "cuda_cpp")
HARDWARE = ("B200", "LOCAL")
CPP_SUFFIXES = (".cu", ".cpp", ".cc", ".cxx", ".c", ".h", ".hpp", ".cuh")
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
TOLERANCE = {
    "max_atol": 1e-2,
    "max_rtol": 1e-2,
    "required_matched_ratio": 0.99,
    "max_error_cap": None,
    "allow_negative_inf": False,
}
COMPILE_OPTIONS = {"cflags": [], "cuda_cflags": ["-O3", "--use_fast_math"], "ld_flags": ["-lcuda"]}

Record = dict[str, object]
_MISSING = object()


class FieldError(ValueError):
    """What a field holds is not what the schema allows. The message begins with the field."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


@dataclass(frozen=True)
class _At:
    """A value and where it stands."""

    value: object
    field: str

    def wrong(self, reason: str) -> FieldError:
        return FieldError(self.field, reason)

    def of(self, name: str, default: object = _MISSING) -> _At:
        """A field of an object. Raises FieldError where one without default is not there."""
        found = self.object().get(name, default)
        if found is _MISSING:
            raise FieldError(f"{self.field}.{name}", "is needed and not there")
        return _At(found, f"{self.field}.{name}")

    def has(self, name: str) -> bool:
        return name in self.object()

    def object(self) -> Record:
        if not isinstance(self.value, dict):
            raise self.wrong(f"an object is needed, not {_kind(self.value)}")
        return self.value

    def items(self) -> list[tuple[str, _At]]:
        found = []
        for name, value in self.object().items():
            if name == "":
                raise self.wrong("a name in it is empty")
            found.append((name, _At(value, f"{self.field}.{name}")))
        return found

    def list(self, least: int = 0) -> list[_At]:
        if not isinstance(self.value, list):
            raise self.wrong(f"a list is needed, not {_kind(self.value)}")
        if len(self.value) < least:
            raise self.wrong("at least one is needed")
        return [_At(one, f"{self.field}[{place}]") for place, one in enumerate(self.value)]

    def text(self, may_be_empty: bool = False) -> str:
        if not isinstance(self.value, str):
            raise self.wrong(f"text is needed, not {_kind(self.value)}")
        if self.value == "" and not may_be_empty:
            raise self.wrong("is empty")
        return self.value

    def maybe(self, read: Callable[[_At], object]) -> object:
        return None if self.value is None else read(self)

    def maybe_text(self, may_be_empty: bool = False) -> str | None:
        return None if self.value is None else self.text(may_be_empty)

    def choice(self, allowed: tuple[str, ...]) -> str:
        if self.value not in allowed:
            raise self.wrong(f"{self.value!r} is none of {', '.join(allowed)}")
        return str(self.value)

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.wrong(f"true or false is needed, not {_kind(self.value)}")
        return self.value

    def count(self) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < 0:
            raise self.wrong(f"a whole number of at least 0 is needed, not {_kind(self.value)}")
        return self.value

    def number(self, least: float = -math.inf) -> float:
        if not isinstance(self.value, (int, float)) or isinstance(self.value, bool) or not math.isfinite(self.value):
            raise self.wrong(f"a finite number is needed, not {_kind(self.value)}")
        if self.value < least:
            raise self.wrong(f"{self.value} is below {least:g}")
        return float(self.value)

    def texts(self) -> list[str]:
        return [one.text() for one in self.list()]


def _kind(value: object) -> str:
    if isinstance(value, (int, float, str)) or value is None:
        return repr(value)[:80]
    return "a list" if isinstance(value, list) else "an object"


# --- definition


def read_definition(value: object, field: str = "definition") -> Record:
    """Raises FieldError."""
    at = _At(value, field)
    definition: Record = {
        "name": at.of("name").text(),
        "op_type": at.of("op_type", None).maybe_text(),
        "axes": {name: _axis(axis) for name, axis in at.of("axes").items()},
        "custom_inputs_entrypoint": at.of("custom_inputs_entrypoint", None).maybe_text(),
        "inputs": {name: _tensor(one) for name, one in at.of("inputs").items()},
        "outputs": {name: _tensor(one) for name, one in at.of("outputs").items()},
        "reference": at.of("reference").text(),
        "description": at.of("description", None).maybe_text(may_be_empty=True),
        "hf_id": at.of("hf_id", None).maybe_text(),
    }
    _check_reference(definition, field)
    _check_names(definition, field)
    return definition


def _axis(at: _At) -> Record:
    kind = at.of("type", _inferred(at, {"value": "const", "expression": "expr"}, "var")).choice(
        ("const", "var", "expr")
    )
    axis: Record = {"type": kind}
    if kind == "const":
        axis["value"] = at.of("value").count()
    if kind == "expr":
        axis["expression"] = at.of("expression").text()
    return axis | {"description": at.of("description", None).maybe_text(may_be_empty=True)}


def _inferred(at: _At, by_field: dict[str, str], default: str) -> str:
    """The type of what names none: upstream goes by the fields that are there."""
    return next((kind for name, kind in by_field.items() if at.has(name)), default)


def _tensor(at: _At) -> Record:
    return {
        "shape": at.of("shape").maybe(_At.texts),
        "dtype": at.of("dtype").choice(DTYPES),
        "description": at.of("description", None).maybe_text(may_be_empty=True),
    }


def _check_reference(definition: Record, field: str) -> None:
    try:
        body = ast.parse(str(definition["reference"])).body
    except (SyntaxError, ValueError) as error:
        raise FieldError(f"{field}.reference", f"is no Python: {error}") from error
    functions: dict[str, ast.FunctionDef] = {}
    for one in body:
        if isinstance(one, ast.FunctionDef):
            functions.setdefault(one.name, one)
    if "run" not in functions:
        raise FieldError(f"{field}.reference", "has no function run() at its top level")
    arguments = functions["run"].args
    names, inputs = [one.arg for one in (*arguments.posonlyargs, *arguments.args)], list(definition["inputs"])
    if names != inputs:
        raise FieldError(
            f"{field}.reference", f"run() takes ({', '.join(names)}), the inputs are ({', '.join(inputs)})"
        )
    custom = definition["custom_inputs_entrypoint"]
    if custom is not None and custom not in functions:
        raise FieldError(
            f"{field}.custom_inputs_entrypoint", f"the reference has no function {custom}() at its top level"
        )


def _check_names(definition: Record, field: str) -> None:
    axes, inputs, outputs = definition["axes"], definition["inputs"], definition["outputs"]
    for name in inputs:
        if name in axes:
            raise FieldError(f"{field}.inputs.{name}", "is the name of an axis too")
        if name in outputs:
            raise FieldError(f"{field}.outputs.{name}", "is the name of an input too")
    for kind, tensors in (("inputs", inputs), ("outputs", outputs)):
        for name, tensor in tensors.items():
            for axis in tensor["shape"] or ():
                if not axis.isdigit() and axis not in axes:
                    raise FieldError(f"{field}.{kind}.{name}.shape", f"'{axis}' is no axis")


_OPERATIONS: dict[type, Callable[[float, float], float]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
    ast.Mod: lambda left, right: left % right,
}
LARGEST_POWER = 64


def evaluate(expression: str, axes: dict[str, int], field: str = "expression") -> int:
    """Arithmetic on axes: + - * / // % **, parentheses, signs. Raises FieldError, also for what is no whole number."""

    def value_of(node: ast.expr) -> float:
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return node.value
        if isinstance(node, ast.Name):
            if node.id not in axes:
                raise FieldError(field, f"'{node.id}' is no axis with a value")
            return axes[node.id]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
            return -value_of(node.operand) if isinstance(node.op, ast.USub) else value_of(node.operand)
        if isinstance(node, ast.BinOp):
            left, right = value_of(node.left), value_of(node.right)
            if type(node.op) in _OPERATIONS:
                return _OPERATIONS[type(node.op)](left, right)
            if isinstance(node.op, ast.Pow) and abs(right) <= LARGEST_POWER:
                return left**right
        raise FieldError(field, f"'{ast.unparse(node)}' is not arithmetic on axes")

    try:
        value = value_of(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError) as error:
        if isinstance(error, FieldError):
            raise
        raise FieldError(field, f"'{expression}': {error}") from error
    if value != int(value):
        raise FieldError(field, f"'{expression}' is {value}, no whole number")
    return int(value)


def resolve_axes(definition: Record, workload: Record, field: str = "workload") -> dict[str, int]:
    """All axes of a workload by name. Raises FieldError where it gives other axes than the definition asks for."""
    described, given = definition["axes"], workload["axes"]
    wanted = {name for name, axis in described.items() if axis["type"] == "var"}
    if wanted != set(given):
        raise FieldError(f"{field}.axes", f"gives {sorted(given)}, the definition asks for {sorted(wanted)}")
    found = {name: axis["value"] for name, axis in described.items() if axis["type"] == "const"} | dict(given)
    for name, axis in described.items():
        if axis["type"] == "expr":
            found[name] = evaluate(axis["expression"], found, f"definition.axes.{name}.expression")
    return found


# --- workload


def read_workload(value: object, field: str = "workload") -> Record:
    """Raises FieldError."""
    at = _At(value, field)
    workload: Record = {
        "axes": {name: axis.count() for name, axis in at.of("axes").items()},
        "inputs": {name: _input(one) for name, one in at.of("inputs").items()},
        "uuid": at.of("uuid").text(),
        "tolerance": _tolerance(at.of("tolerance", {})),
    }
    kinds = {one["type"] for one in workload["inputs"].values()}
    if "custom" in kinds and len(kinds) > 1:
        raise FieldError(f"{field}.inputs", "custom inputs stand for all inputs or for none")
    return workload


def _input(at: _At) -> Record:
    by_field = {"value": "scalar", "path": "safetensors", "tensor_key": "safetensors"}
    kind = at.of("type", _inferred(at, by_field, "random")).choice(("random", "scalar", "safetensors", "custom"))
    if kind == "scalar":
        value = at.of("value")
        return {"type": kind, "value": value.value if isinstance(value.value, (bool, int)) else value.number()}
    if kind == "safetensors":
        return {"type": kind, "path": at.of("path").text(), "tensor_key": at.of("tensor_key").text()}
    return {"type": kind}


def _tolerance(at: _At) -> Record:
    return {
        "max_atol": at.of("max_atol", TOLERANCE["max_atol"]).number(),
        "max_rtol": at.of("max_rtol", TOLERANCE["max_rtol"]).number(),
        "required_matched_ratio": at.of("required_matched_ratio", TOLERANCE["required_matched_ratio"]).number(),
        "max_error_cap": at.of("max_error_cap", None).maybe(_At.number),
        "allow_negative_inf": at.of("allow_negative_inf", False).flag(),
    }


# --- solution


def read_solution(value: object, field: str = "solution") -> Record:
    """Raises FieldError. Every source must have its content: see sol_solution.py for those that lie beside the file."""
    at = _At(value, field)
    solution: Record = {
        "name": at.of("name").text(),
        "definition": at.of("definition").text(),
        "author": at.of("author").text(),
        "spec": _specification(at.of("spec")),
        "sources": [_source(one) for one in at.of("sources").list(least=1)],
        "description": at.of("description", None).maybe_text(may_be_empty=True),
    }
    paths = [one["path"] for one in solution["sources"]]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise FieldError(f"{field}.sources", f"'{twice}' is there twice")
    file = str(solution["spec"]["entry_point"]).split("::")[0]
    if file not in paths:
        raise FieldError(f"{field}.spec.entry_point", f"'{file}' is none of the sources")
    return solution


def _specification(at: _At) -> Record:
    languages = [one.choice(PYTHON_LANGUAGES + CPP_LANGUAGES) for one in at.of("languages").list()]
    entry = at.of("entry_point")
    if entry.text().count("::") != 1:
        raise entry.wrong(f"'{entry.value}' is not <file>::<function>")
    in_cpp = [one for one in languages if one in CPP_LANGUAGES]
    if in_cpp and len(in_cpp) < len(languages):
        raise FieldError(f"{at.field}.languages", "languages of Python and of C++ are mixed")
    suffix = PurePosixPath(entry.text().split("::")[0]).suffix
    if languages and suffix not in (CPP_SUFFIXES if in_cpp else (".py",)):
        raise entry.wrong(f"a file of {'C++ or CUDA' if in_cpp else 'Python'} is needed, not '{entry.value}'")
    return {
        "languages": languages,
        "target_hardware": [one.choice(HARDWARE) for one in at.of("target_hardware").list(least=1)],
        "entry_point": entry.text(),
        "dependencies": at.of("dependencies", []).texts(),
        "destination_passing_style": at.of("destination_passing_style", True).flag(),
        "binding": at.of("binding", None).maybe(lambda one: one.choice(("torch",))),
        "compile_options": at.of("compile_options", None).maybe(_compile_options),
    }


def _compile_options(at: _At) -> Record:
    # A flag may be empty text upstream.
    return {
        name: [one.text(may_be_empty=True) for one in at.of(name, list(default)).list()]
        for name, default in COMPILE_OPTIONS.items()
    }


def _source(at: _At) -> Record:
    path = at.of("path")
    if PurePosixPath(path.text()).is_absolute() or ".." in PurePosixPath(path.text()).parts:
        raise path.wrong(f"'{path.value}' leads out of the solution's folder")
    return {"path": path.text(), "content": at.of("content").text()}


# --- trace


def read_trace(value: object, field: str = "trace") -> Record:
    """Raises FieldError. Solution and evaluation are None in a trace that only names a workload."""
    at = _At(value, field)
    return {
        "definition": at.of("definition").text(),
        "workload": read_workload(at.of("workload").value, f"{field}.workload"),
        "solution": at.of("solution", None).maybe_text(may_be_empty=True),
        "evaluation": at.of("evaluation", None).maybe(_evaluation),
    }


def _evaluation(at: _At) -> Record:
    environment = at.of("environment")
    libraries = environment.of("libs", {}).object()
    evaluation: Record = {
        "status": at.of("status").choice(STATUSES),
        "environment": {
            "hardware": environment.of("hardware").text(),
            "libs": {
                name: _At(one, f"{at.field}.environment.libs.{name}").text(True) for name, one in libraries.items()
            },
        },
        "timestamp": at.of("timestamp").text(),
        "log": at.of("log", "").text(may_be_empty=True),
        "correctness": at.of("correctness", None).maybe(_correctness),
        "performance": at.of("performance", None).maybe(_performance),
    }
    status = evaluation["status"]
    for name, needed in (("correctness", ("PASSED", "INCORRECT_NUMERICAL")), ("performance", ("PASSED",))):
        if (evaluation[name] is not None) != (status in needed):
            raise FieldError(
                f"{at.field}.{name}", f"{'is needed' if status in needed else 'must not be'} with {status}"
            )
    return evaluation


def _correctness(at: _At) -> Record:
    return {
        "max_relative_error": at.of("max_relative_error", 0.0).number(0.0),
        "max_absolute_error": at.of("max_absolute_error", 0.0).number(0.0),
        "has_nan": at.of("has_nan", False).flag(),
        "has_inf": at.of("has_inf", False).flag(),
        "extra": at.of("extra", None).maybe(_At.object),
    }


def _performance(at: _At) -> Record:
    names = ("latency_ms", "reference_latency_ms", "speedup_factor")
    return {name: at.of(name, 0.0).number(0.0) for name in names}
