"""The problems of tasks/kernels: their descriptions, and each reference against another way, in float64."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from assay_judge import gpu_kernel_schema as schema

torch = pytest.importorskip("torch")

from assay_judge import gpu_kernel_inputs as sampler
from assay_judge.gpu_kernel_reference import Reference, as_list
from assay_judge.gpu_kernel_verify import verify
from gpu_kernel_oracles import ORACLES

ROOT = Path(__file__).resolve().parents[2] / "tasks" / "kernels"
FOLDERS = {folder.name: folder for folder in schema.problem_folders(ROOT / "problems")}
RELATIVE = {"float32": 3e-5, "float16": 4e-3, "bfloat16": 3e-2, "float8_e4m3fn": 7e-2, "int64": 0.0}
"""Norm of the error over norm of the result that plain arithmetic in these types may have at these sizes."""

LOOSER = {"newton_schulz_bf16": 0.08}
"""Fifteen products in bfloat16, one after the other."""


def drawn(problem: schema.Problem, turn: int, distribution: str = "normal"):
    workload = problem.cpu_workloads[turn]
    axes = problem.definition.resolve(workload.axes)
    return axes, sampler.draw(problem.definition, workload, axes, "cpu", 7 + turn, distribution)


def lifted(inputs: dict) -> list:
    is_float = lambda one: isinstance(one, torch.Tensor) and one.dtype.is_floating_point  # noqa: E731
    return [one.double() if is_float(one) else one for one in inputs.values()]


def distance(found: torch.Tensor, right: torch.Tensor) -> float:
    return float((found.double() - right.double()).norm() / right.double().norm().clamp_min(1e-30))


def test_there_are_enough_of_every_kind():
    categories = {folder.parent.name for folder in FOLDERS.values()}
    assert len(FOLDERS) >= 32
    assert len(categories) >= 11
    types = {one.dtype for name in FOLDERS for one in schema.load_problem(FOLDERS[name]).definition.inputs}
    assert {"float32", "float16", "bfloat16", "float8_e4m3fn"} <= types


@pytest.mark.parametrize("name", FOLDERS)
def test_a_description_is_whole(name: str):
    problem = schema.load_problem(FOLDERS[name])
    assert problem.definition.name == name
    assert problem.definition.category == FOLDERS[name].parent.name
    assert (FOLDERS[name] / "reference.py").read_text() == problem.definition.reference
    assert len(problem.workloads) >= 2 and len(problem.cpu_workloads) >= 2
    uuids = [one.uuid for one in (*problem.workloads, *problem.cpu_workloads)]
    assert len(set(uuids)) == len(uuids)
    for workload in problem.workloads:
        axes = problem.definition.resolve(workload.axes)
        # Large enough for an H100 to be busy, small enough to hold many sets of.
        assert 1e7 < problem.footprint(axes) < 2.2e9
        assert 0 < problem.bytes(axes) <= problem.footprint(axes)
        assert problem.operations(axes) > 0
    for workload in problem.cpu_workloads:
        assert problem.footprint(problem.definition.resolve(workload.axes)) < 1.1e6


@pytest.mark.parametrize("name", FOLDERS)
def test_definition_and_workloads_round_trip(name: str):
    raw = json.loads((FOLDERS[name] / "definition.json").read_text())
    definition = schema.parse_definition(raw)
    assert json.loads(json.dumps(definition.raw)) == raw
    for line in (FOLDERS[name] / "workload.jsonl").read_text().splitlines():
        assert schema.parse_workload(json.loads(line), definition).to_json() == json.loads(line)


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("turn", [0, 1])
def test_a_reference_is_right(name: str, turn: int):
    problem = schema.load_problem(FOLDERS[name])
    definition = problem.definition
    axes, inputs = drawn(problem, turn)
    before = {key: one.clone() for key, one in inputs.items() if isinstance(one, torch.Tensor)}
    reference = Reference(definition)
    plain = reference.plain(inputs)
    right = [one.detach() for one in as_list(ORACLES[name](*lifted(inputs)))]
    exact = reference.exact(inputs)
    assert len(plain) == len(definition.outputs) == len(right)
    for key, one in before.items():
        assert torch.equal(one.view(torch.uint8), inputs[key].view(torch.uint8)), f"{key} was written"
    for one, output, other, best in zip(definition.outputs, plain, right, exact, strict=True):
        assert tuple(output.shape) == one.sizes(axes) and str(output.dtype) == f"torch.{one.dtype}"
        assert distance(output, other) <= LOOSER.get(name, RELATIVE[one.dtype])
        # What the judge takes for right is the other way's result to float64's precision, float8's rounding apart.
        assert distance(best, other) <= (4e-2 if one.dtype.startswith("float8") else 1e-9)


@pytest.mark.parametrize("name", ["softmax_fp32", "rms_norm_bf16", "gemm_fp8"])
@pytest.mark.parametrize("distribution", sampler.DISTRIBUTIONS)
def test_references_stay_right_for_all_distributions(name: str, distribution: str):
    problem = schema.load_problem(FOLDERS[name])
    _, inputs = drawn(problem, 1, distribution)
    plain = Reference(problem.definition).plain(inputs)
    for one, output, other in zip(
        problem.definition.outputs, plain, as_list(ORACLES[name](*lifted(inputs))), strict=True
    ):
        assert distance(output, other) <= RELATIVE[one.dtype]


def cost_of(name: str, **axes: int) -> float:
    problem = schema.load_problem(FOLDERS[name])
    return problem.operations(problem.definition.resolve(axes))


def test_a_product_of_float32_costs_what_three_of_float16_do_that_are_as_precise():
    assert schema.load_problem(FOLDERS["gemm_fp32"]).cost.unit == "fp16"
    assert cost_of("gemm_fp32", m=2, n=3, k=5) == 3 * 2 * 2 * 3 * 5
    problem = schema.load_problem(FOLDERS["gemm_fp32"])
    axes = problem.definition.resolve({"m": 64, "n": 64, "k": 1024})
    for distribution in sampler.DISTRIBUTIONS:
        inputs = sampler.draw(problem.definition, problem.cpu_workloads[0], axes, "cpu", 5, distribution)
        reference = Reference(problem.definition)
        parts = []
        for one in (inputs["a"], inputs["b"]):
            high = one.half()
            # What float16 holds: a product of two is exact in float32, as a tensor core's is.
            parts.append((high.float(), ((one - high.float()) * 2048).half().float()))
        (a, a_low), (b, b_low) = parts
        out = a @ b + (a @ b_low + a_low @ b) / 2048
        assert verify(out, reference.exact(inputs)[0], reference.plain(inputs)[0]).ok


def test_no_more_operations_are_asked_for_than_are_needed():
    visible = sum(min(place + 1, 128) for place in range(300))
    assert cost_of("sliding_attention_fp16", batch=2, heads=3, length=300) == 2 * 3 * visible * 4 * 64
    # X X^T is symmetric, and so is every polynomial of it, so half of each of these products is enough.
    rows, columns = 8, 32
    direct = 5 * (3 * rows * rows * columns + rows * rows * rows)
    assert cost_of("newton_schulz_bf16", rows=rows, columns=columns) <= direct
    # The five steps on the Gram matrix alone: A A, P P P A and the product of all P; then once P X.
    generator = torch.Generator().manual_seed(3)
    first = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    x = first / first.norm()
    gram, whole = x @ x.T, torch.eye(rows, dtype=torch.float64)
    for _ in range(5):
        step = 3.4445 * torch.eye(rows, dtype=torch.float64) - 4.7750 * gram + 2.0315 * (gram @ gram)
        whole, gram = step @ whole, step @ (step @ gram)
    right = Reference(schema.load_problem(FOLDERS["newton_schulz_bf16"]).definition).exact({"gradient": first})[0]
    assert torch.allclose(whole @ x, right, atol=1e-5)


def test_wrong_descriptions_are_refused():
    raw = json.loads((FOLDERS["softmax_fp32"] / "definition.json").read_text())
    for wrong in (
        raw | {"reference": "def run(y):\n    return y\n"},
        raw | {"speed": 1},
        raw | {"axes": {"rows": {"type": "var"}}},
        raw | {"inputs": {"x": {"shape": ["rows"], "dtype": "float12"}}},
    ):
        with pytest.raises(schema.SchemaError):
            schema.parse_definition(wrong)
    definition = schema.parse_definition(raw)
    good = json.loads((FOLDERS["softmax_fp32"] / "workload.jsonl").read_text().splitlines()[0])
    for wrong in (
        good | {"axes": {"rows": 1}},
        good | {"inputs": {"x": {"type": "custom"}}},
        good | {"inputs": {}},
        good | {"seed": 1},
    ):
        with pytest.raises(schema.SchemaError):
            schema.parse_workload(wrong, definition)


@pytest.mark.parametrize(
    "path", ["definition.json", "../main.py", "torch/__init__.py", "/x.py", "a b.py", ".hidden.py"]
)
def test_a_source_path_that_could_cover_something_is_refused(path: str):
    record = {
        "name": "x",
        "definition": "softmax_fp32",
        "author": "x",
        "spec": {"languages": ["pytorch"], "target_hardware": ["LOCAL"], "entry_point": f"{path}::run"},
        "sources": [{"path": path, "content": "def run(x, out): pass"}],
    }
    with pytest.raises(schema.SchemaError):
        schema.parse_solution(record)


def test_only_arithmetic_is_evaluated():
    assert schema.evaluate("2*m*n // 3 + 1", {"m": 3, "n": 5}) == 11
    for wrong in ("__import__('os')", "m ** 9", "m.real", "[m]", "missing + 1"):
        with pytest.raises(schema.SchemaError):
            schema.evaluate(wrong, {"m": 3})
