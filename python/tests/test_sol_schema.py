"""The schema of SOL-ExecBench: what is taken, how it is written, and which field an error names."""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest
from assay_judge import sol_files as files
from assay_judge import sol_schema as schema
from assay_judge.sol_schema import FieldError
from sol_problems import DEFINITION, KERNEL, SOLUTION, WORKLOADS, evaluation, trace, write_problem

FULL = copy.deepcopy(SOLUTION) | {"sources": [{"path": "kernel.py", "content": KERNEL}]}
RECORDS = {
    "definition": (DEFINITION, schema.read_definition),
    "workload": (WORKLOADS[0], schema.read_workload),
    "solution": (FULL, schema.read_solution),
    "trace": (trace(WORKLOADS[0]), schema.read_trace),
}
GONE = object()


def changed(record: dict, path: str, value: object) -> dict:
    record = copy.deepcopy(record)
    *way, last = [int(one) if one.isdigit() else one for one in path.split("/")]
    place = record
    for one in way:
        place = place[one]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return record


WRONG = [
    ("definition", "name", GONE, "definition.name"),
    ("definition", "name", "", "definition.name"),
    ("definition", "axes/width/value", -1, "definition.axes.width.value"),
    ("definition", "axes/width/value", 2.5, "definition.axes.width.value"),
    ("definition", "axes/width/value", True, "definition.axes.width.value"),
    ("definition", "axes/rows/type", "free", "definition.axes.rows.type"),
    ("definition", "axes/double/expression", "", "definition.axes.double.expression"),
    ("definition", "axes/x", {"type": "var"}, "definition.inputs.x"),
    ("definition", "inputs/x/dtype", "float99", "definition.inputs.x.dtype"),
    ("definition", "inputs/x/shape", GONE, "definition.inputs.x.shape"),
    ("definition", "inputs/x/shape", ["rows", "depth"], "definition.inputs.x.shape"),
    ("definition", "outputs/y/shape", "rows", "definition.outputs.y.shape"),
    ("definition", "outputs/x", {"shape": [], "dtype": "int8"}, "definition.outputs.x"),
    ("definition", "reference", "def walk(x): pass", "definition.reference"),
    ("definition", "reference", "def run(w, x, factor): pass", "definition.reference"),
    ("definition", "reference", "def run(:", "definition.reference"),
    ("definition", "custom_inputs_entrypoint", "make", "definition.custom_inputs_entrypoint"),
    ("workload", "uuid", "", "workload.uuid"),
    ("workload", "axes/rows", "16", "workload.axes.rows"),
    ("workload", "inputs/x", {"type": "custom"}, "workload.inputs"),
    ("workload", "inputs/x", {"type": "safetensors", "path": "a"}, "workload.inputs.x.tensor_key"),
    ("workload", "inputs/factor/value", "half", "workload.inputs.factor.value"),
    ("workload", "tolerance", {"max_atol": None}, "workload.tolerance.max_atol"),
    ("workload", "tolerance", None, "workload.tolerance"),
    ("solution", "author", GONE, "solution.author"),
    ("solution", "spec/languages", ["triton", "cuda_cpp"], "solution.spec.languages"),
    ("solution", "spec/languages", ["cobol"], "solution.spec.languages[0]"),
    ("solution", "spec/languages", ["cuda_cpp"], "solution.spec.entry_point"),
    ("solution", "spec/target_hardware", [], "solution.spec.target_hardware"),
    ("solution", "spec/target_hardware", ["local"], "solution.spec.target_hardware[0]"),
    ("solution", "spec/entry_point", "kernel.py:run", "solution.spec.entry_point"),
    ("solution", "spec/entry_point", "other.py::run", "solution.spec.entry_point"),
    ("solution", "spec/binding", "ctypes", "solution.spec.binding"),
    ("solution", "sources/0/path", "../kernel.py", "solution.sources[0].path"),
    ("solution", "sources/0/path", "/kernel.py", "solution.sources[0].path"),
    ("solution", "sources/0/content", "", "solution.sources[0].content"),
    ("solution", "sources", [], "solution.sources"),
    ("trace", "evaluation/status", "FINE", "trace.evaluation.status"),
    ("trace", "evaluation/performance", GONE, "trace.evaluation.performance"),
    ("trace", "evaluation/status", "TIMEOUT", "trace.evaluation.correctness"),
    ("trace", "evaluation/performance/latency_ms", -1.0, "trace.evaluation.performance.latency_ms"),
    ("trace", "evaluation/correctness/max_absolute_error", float("inf"), "trace.evaluation.correctness"),
    ("trace", "evaluation/environment/hardware", "", "trace.evaluation.environment.hardware"),
    ("trace", "workload/axes/rows", -1, "trace.workload.axes.rows"),
]


@pytest.mark.parametrize(("kind", "path", "value", "field"), WRONG)
def test_an_error_names_the_field(kind: str, path: str, value: object, field: str) -> None:
    record, read = RECORDS[kind]
    read(record)
    with pytest.raises(FieldError) as found:
        read(changed(record, path, value))
    assert found.value.field.startswith(field)
    assert str(found.value).startswith(found.value.field + ": ")


@pytest.mark.parametrize("kind", RECORDS)
def test_what_is_written_is_read_again_as_the_same(kind: str) -> None:
    record, read = RECORDS[kind]
    once = read(record)
    assert read(json.loads(files.to_line(once))) == once
    assert "note of a later version" not in once


def test_defaults_are_written_out() -> None:
    workload = schema.read_workload(WORKLOADS[0])
    assert list(workload) == ["axes", "inputs", "uuid", "tolerance"]
    assert workload["tolerance"] == schema.TOLERANCE
    assert schema.read_solution(FULL)["spec"]["binding"] is None
    options = schema.read_solution(changed(FULL, "spec/compile_options", {"cflags": ["-g"]}))["spec"]["compile_options"]
    assert options == {"cflags": ["-g"], "cuda_cflags": ["-O3", "--use_fast_math"], "ld_flags": ["-lcuda"]}


@pytest.mark.parametrize("status", schema.STATUSES)
def test_a_trace_of_every_status(status: str) -> None:
    made = schema.read_trace(trace(WORKLOADS[0], evaluation=evaluation(status)))
    assert (made["evaluation"]["performance"] is not None) == (status == "PASSED")
    assert (made["evaluation"]["correctness"] is not None) == (status in ("PASSED", "INCORRECT_NUMERICAL"))


def test_axes() -> None:
    definition = schema.read_definition(DEFINITION)
    workload = schema.read_workload(WORKLOADS[0])
    assert schema.resolve_axes(definition, workload) == {"width": 64, "rows": 16, "double": 128}
    with pytest.raises(FieldError, match=r"workload\.axes: gives \[\]"):
        schema.resolve_axes(definition, schema.read_workload(changed(WORKLOADS[0], "axes", {})))
    assert schema.evaluate("-(-7) // 2 + 2 ** 3 % 5", {}) == 6
    for expression in ("a + 1", "1 / 0", "3 / 2", "f(1)", "'a'", "2 **", "2 ** 1000", "().__class__"):
        with pytest.raises(FieldError):
            schema.evaluate(expression, {})


def test_a_problem_whose_files_do_not_fit_is_refused(tmp_path: Path) -> None:
    assert len(files.load_problem(write_problem(tmp_path / "good")).workloads) == 2
    cases = {
        "twice": ([WORKLOADS[0], WORKLOADS[0]], "workload 2.uuid: 'w-16' is there twice"),
        "inputs": ([changed(WORKLOADS[0], "inputs/w", GONE)], r"workload 1.inputs: names \['factor', 'x'\]"),
        "none": ([], "has no workload"),
    }
    for name, (workloads, words) in cases.items():
        with pytest.raises(FieldError, match=words):
            files.load_problem(write_problem(tmp_path / name, DEFINITION, workloads))
    for text, words in (
        ('{"a": 1, "a": 2}', "workload.jsonl:1.a: is there twice"),
        ('\n{"a": NaN}', "workload.jsonl:2: NaN is no number"),
        ("{", "workload.jsonl:1: is no JSON"),
        ("[" * 100_000, "workload.jsonl:1: is no JSON"),
    ):
        with pytest.raises(FieldError, match=words):
            files.parse_lines(text, "workload.jsonl", schema.read_workload)


UPSTREAM = os.environ.get("ASSAY_SOL_EXECBENCH")


@pytest.mark.skipif(not UPSTREAM, reason="ASSAY_SOL_EXECBENCH names no checkout of NVIDIA/SOL-ExecBench")
def test_every_example_of_a_checkout_is_read_and_is_written_as_upstream_writes_it() -> None:
    root = Path(UPSTREAM or "")
    folders = sorted(path.parent for path in root.glob("examples/*/*/definition.json"))
    problems = [files.load_problem(folder) for folder in folders]
    assert len(problems) == 11
    assert sum(len(one.workloads) for one in problems) == 55
    if importlib.util.find_spec("pydantic") is None or importlib.util.find_spec("click") is None:
        pytest.skip("read, but not compared: upstream's models need pydantic and click")
    sys.path.insert(0, str(root / "src"))
    from sol_execbench.core.data.definition import Definition
    from sol_execbench.core.data.solution import Solution
    from sol_execbench.core.data.trace import Trace
    from sol_execbench.core.data.workload import Workload

    def same(model: type, record: dict, ours: dict) -> None:
        assert files.to_line(model(**record).model_dump(mode="json")) == files.to_line(ours)

    for folder, problem in zip(folders, problems, strict=True):
        same(Definition, json.loads((folder / "definition.json").read_text()), problem.definition)
        lines = [json.loads(line) for line in (folder / "workload.jsonl").read_text().splitlines() if line.strip()]
        for line, workload in zip(lines, problem.workloads, strict=True):
            same(Workload, line, workload)
            for status in schema.STATUSES:
                made = files.make_trace(problem, workload, "ours", evaluation(status))
                same(Trace, made, made)
        for path in folder.glob("solution*.json"):
            record = json.loads(path.read_text())
            for source in record["sources"]:
                source["content"] = source.get("content") or (folder / source["path"]).read_text()
            same(Solution, record, schema.read_solution(record))
