"""The judge of SOL-ExecBench problems through our own kernel judge, on the CPU, in real processes without a sandbox."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from assay_judge import gpu_kernel_schema as kernels
from assay_judge import sol_cost, sol_schema
from assay_judge.gpu_kernel_judge import CHECKS as OF_KERNELS
from assay_judge.sol_bridge import Unsupported, bridge_problem, bridge_solution
from assay_judge.sol_files import load_problem
from assay_judge.sol_judge import CHECKS, traces_of
from sol_problems import DEFINITION, ENVIRONMENT, KERNEL, ROOT, WORKLOADS, trace, write_problem, write_solution

BACKWARD = {
    "name": "scaled-sum",
    "axes": {"n": {"type": "var"}, "m": {"type": "expr", "expression": "n % 7 + 4"}},
    "custom_inputs_entrypoint": "make",
    "inputs": {"x": {"shape": ["n", "m"], "dtype": "bfloat16"}, "at": {"shape": ["n"], "dtype": "int64"}},
    "outputs": {"y": {"shape": ["n", "m"], "dtype": "bfloat16"}, "s": {"shape": ["m"], "dtype": "float32"}},
    "reference": "import torch\n\n\ndef make(axes, device):\n    n, m = axes['n'], axes['m']\n"
    "    x = torch.randn(n, m, device=device, dtype=torch.bfloat16)\n"
    "    return {'x': x, 'at': torch.randperm(n, device=device)}\n\n\n"
    "@torch.no_grad()\ndef run(x, at):\n    y = x[at]\n    return {'y': y, 's': y.to(torch.float32).sum(0)}\n",
}
BACKWARD_WORKLOADS = [{"uuid": "a", "axes": {"n": 24}, "inputs": {"x": {"type": "custom"}, "at": {"type": "custom"}}}]


def judged(tmp_path: Path, problem: Path, solution: Path, official: Path | None = None) -> dict:
    exchange, result = tmp_path / "exchange", tmp_path / "result.json"
    exchange.mkdir()
    module = [sys.executable, "-P", "-m"]
    given = ["--exchange", str(exchange), "--device", "cpu"]
    host_in, judge_out = os.pipe()
    judge_in, host_out = os.pipe()
    with (tmp_path / "host.log").open("w") as log:
        host = subprocess.Popen(
            [*module, "assay_judge.gpu_kernel_host", "--solution", str(solution / "solution.json"), *given],
            stdin=host_in,
            stdout=host_out,
            stderr=log,
            env=ENVIRONMENT,
        )
    os.close(host_in)
    os.close(host_out)
    command = [*module, "assay_judge.sol_judge", "--problem", str(problem), "--solution", str(solution), *given]
    command += ["--seed", "7", "--result", str(result), "--blocks", "3", "--no-compile", "--timeout", "120"]
    command += [] if official is None else ["--official", str(official)]
    peer = {"ASSAY_PEER_OUT_FD": str(judge_out), "ASSAY_PEER_IN_FD": str(judge_in)}
    try:
        end = subprocess.run(
            command, env={**ENVIRONMENT, **peer}, pass_fds=(judge_out, judge_in), capture_output=True, text=True
        )
    finally:
        os.close(judge_out)
        os.close(judge_in)
        host.kill()
        host.wait()
    assert end.returncode == 0, end.stderr
    found = json.loads(result.read_text())
    assert [one["id"] for one in found["checks"]] == [*CHECKS, *OF_KERNELS]
    for one in found["traces"]:
        assert sol_schema.read_trace(one) == one
    return found


def failed(result: dict) -> set[str]:
    return {one["id"] for one in result["checks"] if not one["ok"]}


def test_an_honest_solution_is_measured_and_the_official_numbers_stand_beside(tmp_path: Path) -> None:
    problem, solution = write_problem(tmp_path / "problem"), write_solution(tmp_path / "solution")
    output = tmp_path / "output"
    output.mkdir()
    (output / "official.json").write_text('{"ran": true, "latency_ms": 1e-9}')
    (output / "traces.jsonl").write_text("".join(json.dumps(trace(one)) + "\n" for one in WORKLOADS))
    found = judged(tmp_path, problem, solution, output)
    assert found["valid"] and found["metric"] == "sol_score_local" and failed(found) == set()
    assert 0 <= found["value"] <= 1
    assert found["metrics"]["official_latency_us_0"] == pytest.approx(500)
    assert [one["workload"]["uuid"] for one in found["traces"]] == ["w-16", "w-48"]
    assert [one["evaluation"]["status"] for one in found["traces"]] == ["PASSED", "PASSED"]
    # What was added for our own judge is not in what is written.
    assert found["traces"][0]["workload"] == sol_schema.read_workload(WORKLOADS[0])
    assert found["traces"][0]["definition"] == "mix.rows"
    assert [one["detail"] for one in found["checks"]][1].startswith("claim of the official command")
    assert "operations of matrix products" in found["least"][0]


@pytest.mark.parametrize(
    ("kernel", "status", "check"),
    [
        ("def run(x, w, factor):\n    return (x @ w)\n", "INCORRECT_NUMERICAL", "gpu-kernel-correct"),
        ("def run(x, w, factor):\n    raise ValueError('no')\n", "RUNTIME_ERROR", "gpu-kernel-correct"),
    ],
)
def test_a_wrong_solution_has_traces_too(kernel: str, status: str, check: str, tmp_path: Path) -> None:
    found = judged(tmp_path, write_problem(tmp_path / "problem"), write_solution(tmp_path / "solution", kernel))
    assert not found["valid"] and failed(found) == {check}
    assert {one["evaluation"]["status"] for one in found["traces"]} == {status}
    assert len(found["traces"]) == 2


def test_what_is_refused_before_it_runs(tmp_path: Path) -> None:
    problem = write_problem(tmp_path / "problem")
    sources = [{"path": "kernel.py", "content": KERNEL}, {"path": "cupti.py", "content": "print()"}]
    found = judged(tmp_path, problem, write_solution(tmp_path / "solution", sources=sources))
    assert found["suspected"] and found["check"] == "sol-sources" and failed(found) == {"sol-sources"}
    assert {one["evaluation"]["status"] for one in found["traces"]} == {"RUNTIME_ERROR"}
    (tmp_path / "second").mkdir()
    changed = {"spec": {"languages": ["cutile"]}}
    found = judged(tmp_path / "second", problem, write_solution(tmp_path / "second" / "solution", **changed))
    assert found["failure"] == "build" and "cutile" in found["reason"] and "suspected" not in found


def test_custom_inputs_and_several_outputs(tmp_path: Path) -> None:
    problem = write_problem(tmp_path / "problem", BACKWARD, BACKWARD_WORKLOADS)
    kernel = "def run(x, at):\n    y = x.index_select(0, at)\n    return y, y.float().sum(0)\n"
    found = judged(tmp_path, problem, write_solution(tmp_path / "solution", kernel, definition="scaled-sum"))
    assert found["valid"], found["reason"]
    assert "the reference reads by index" in found["least"][0]


def test_a_problem_that_is_wrong_is_no_result(tmp_path: Path) -> None:
    problem = write_problem(tmp_path / "problem", DEFINITION | {"axes": {}})
    command = [sys.executable, "-P", "-m", "assay_judge.sol_judge", "--problem", str(problem), "--seed", "1"]
    command += ["--solution", str(tmp_path), "--result", str(tmp_path / "result.json")]
    end = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    assert end.returncode == 2 and "definition.json.inputs.x.shape: 'rows' is no axis" in end.stderr
    assert not (tmp_path / "result.json").exists()


# --- the bridge


def test_what_must_be_done_at_least() -> None:
    definition = sol_schema.read_definition(DEFINITION)
    workload = sol_schema.read_workload(WORKLOADS[1])
    axes = sol_schema.resolve_axes(definition, workload)
    least = sol_cost.least_of(definition, workload, axes)
    assert least.operations == 2 * 48 * 64 * 128
    assert least.bytes == 4 * (48 * 64 + 64 * 128 + 48 * 128)

    def of(body: str) -> sol_cost.Least:
        changed = DEFINITION | {"reference": f"import torch\n\n\ndef run(x, w, factor):\n    {body}\n"}
        return sol_cost.least_of(sol_schema.read_definition(changed), workload, axes)

    masked = of("return (x @ w).masked_fill(x @ w > 0, 0)")
    assert masked.operations == 0 and masked.bytes == least.bytes
    assert of("return x[torch.arange(3, device=x.device)] @ w").bytes == 4 * 48 * 128
    content = of("return (x * x.max().item()) @ w")
    assert content.operations == 0 and content.bytes == 4 * 48 * 128 and "needs content" in content.words
    attention = "return torch.nn.functional.scaled_dot_product_attention(x[None], x[None], x[None], is_causal={})"
    assert of(attention.format(True)).operations == 0
    assert of(attention.format(False)).operations > 0


def test_the_bridged_problem_is_one_of_our_judges(tmp_path: Path) -> None:
    problem = load_problem(write_problem(tmp_path / "problem"))
    least = bridge_problem(problem, tmp_path / "bridged", None)
    ours = kernels.load_problem(tmp_path / "bridged")
    assert ours.definition.name == "mix_rows" and len(ours.workloads) == len(ours.cpu_workloads) == 2
    axes = ours.definition.resolve(ours.workloads[1].axes)
    assert (axes["double"], axes["rows"]) == (128, 48)
    # A product of float32 is at least three of float16.
    assert ours.operations(axes) == 3 * least[1].operations and ours.bytes(axes) == least[1].bytes
    assert ours.cost.unit == "fp16"


def test_what_our_judge_does_not_know_is_said(tmp_path: Path) -> None:
    packed = copy.deepcopy(DEFINITION)
    packed["inputs"]["w"]["dtype"] = "float4_e2m1fn_x2"
    with pytest.raises(Unsupported, match=r"inputs\.w has the type float4_e2m1fn_x2"):
        bridge_problem(load_problem(write_problem(tmp_path / "packed", packed)), tmp_path / "1", None)
    recorded = copy.deepcopy(WORKLOADS)
    recorded[0]["inputs"]["w"] = {"type": "safetensors", "path": "w.safetensors", "tensor_key": "w"}
    problem = load_problem(write_problem(tmp_path / "recorded", DEFINITION, recorded))
    with pytest.raises(Unsupported, match="no folder of them is named"):
        bridge_problem(problem, tmp_path / "2", None)
    bridge_problem(problem, tmp_path / "3", tmp_path)
    assert kernels.load_problem(tmp_path / "3").definition.custom_inputs == "assay_recorded_inputs"
    both = {"languages": ["pytorch", "triton"]}
    with pytest.raises(Unsupported, match="pytorch, triton"):
        bridge_solution({"definition": "a.b", "spec": both}, tmp_path / "solution.json")


def test_recorded_inputs(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    recorded = torch.arange(64 * 128, dtype=torch.float32).reshape(64, 128)
    safetensors.save_file({"w": recorded}, str(tmp_path / "w.safetensors"))
    workloads = copy.deepcopy(WORKLOADS)
    workloads[0]["inputs"]["w"] = {"type": "safetensors", "path": "w.safetensors", "tensor_key": "w"}
    bridge_problem(load_problem(write_problem(tmp_path / "p", DEFINITION, workloads)), tmp_path / "b", tmp_path)
    from assay_judge.gpu_kernel_inputs import draw

    ours = kernels.load_problem(tmp_path / "b")
    axes = ours.definition.resolve(ours.workloads[0].axes)
    made = draw(ours.definition, ours.workloads[0], axes, "cpu", 3, "normal")
    assert torch.equal(made["w"], recorded) and made["factor"] == 0.5 and made["x"].shape == (16, 64)


def test_every_status_makes_a_trace_that_upstream_takes(tmp_path: Path) -> None:
    problem = load_problem(write_problem(tmp_path / "problem"))
    for status in sol_schema.STATUSES[1:]:
        for one in traces_of(problem, "ours", {"valid": False, "status": status, "reason": "why"}):
            assert one["evaluation"]["status"] == status


def test_the_task_that_the_adapter_writes_asks_for_checks_that_are_reported() -> None:
    adapter = (ROOT / "src/task/adapters/sol-execbench/sol-execbench.ts").read_text()
    listed = re.search(r"JUDGE_CHECKS = \[(.*?)\]", adapter, re.DOTALL)
    asked = set(re.findall(r"'([a-z-]+)'", listed.group(1))) if listed else set()
    assert set(CHECKS) < asked <= {*CHECKS, *OF_KERNELS}


UPSTREAM = os.environ.get("ASSAY_SOL_EXECBENCH")


@pytest.mark.skipif(not UPSTREAM, reason="ASSAY_SOL_EXECBENCH names no checkout of NVIDIA/SOL-ExecBench")
def test_every_example_of_a_checkout_is_a_problem_for_our_judge(tmp_path: Path) -> None:
    folders = sorted(path.parent for path in Path(UPSTREAM or "").glob("examples/*/*/definition.json"))
    assert len(folders) == 11
    for turn, folder in enumerate(folders):
        problem = load_problem(folder)
        least = bridge_problem(problem, tmp_path / str(turn), None)
        ours = kernels.load_problem(tmp_path / str(turn))
        assert len(ours.workloads) == len(problem.workloads)
        print(folder.name, least[0])
