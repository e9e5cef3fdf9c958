"""The judge of GPU kernels on a machine without one: the same paths, with torch's CPU in place of the device."""

from __future__ import annotations

import inspect
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from assay_judge import gpu_kernel_inputs as sampler
from assay_judge import gpu_kernel_protocol as protocol
from assay_judge import gpu_kernel_schema as schema
from assay_judge import gpu_kernel_timing as timing
from assay_judge import gpu_kernel_verify as verifying
from assay_judge.gpu_kernel_census import work_clock
from assay_judge.gpu_kernel_host import Host
from assay_judge.gpu_kernel_judge import CHECKS
from assay_judge.gpu_kernel_reference import Reference, as_list
from gpu_kernel_trials import ENVIRONMENT, PROBLEMS, failed, judged, solution_of

SOFTMAX = PROBLEMS / "softmax" / "softmax_fp32"
HONEST = "import torch\n\n\ndef run(x, out):\n    torch.softmax(x, -1, out=out)\n"
BEFORE = "import torch\nright = torch.softmax\nkept = {}\ncalls = 0\n\n\n"

HOSTILE = {
    "half the answer": ("def run(x, out):\n    right(x[:2], -1, out=out[:2])\n", "gpu-kernel-poison", False),
    "nothing": ("def run(x, out):\n    pass\n", "gpu-kernel-poison", False),
    "only the first calls": (
        "def run(x, out):\n    global calls\n    calls += 1\n    if calls % 4 != 0:\n        right(x, -1, out=out)\n",
        "gpu-kernel-poison",
        True,
    ),
    "results by shape": (
        "def run(x, out):\n    kept.setdefault(x.shape, right(x, -1))\n    out.copy_(kept[x.shape])\n",
        "gpu-kernel-fresh",
        True,
    ),
    "results by a sparse fingerprint": (
        "def run(x, out):\n    key = round(float(x.double().median()), 9), x.shape\n"
        "    kept.setdefault(key, right(x, -1))\n    out.copy_(kept[key])\n",
        "gpu-kernel-fresh",
        True,
    ),
    "inputs are written": (
        "def run(x, out):\n    right(x, -1, out=out)\n    x.zero_()\n",
        "gpu-kernel-inputs-unchanged",
        True,
    ),
    "less precision": (
        "def run(x, out):\n    out.copy_(right(x.bfloat16(), -1))\n",
        "gpu-kernel-precision",
        False,
    ),
    "another function": ("def run(x, out):\n    out.copy_(torch.sigmoid(x))\n", "gpu-kernel-correct", False),
    "a constant of the right size": ("def run(x, out):\n    out.fill_(1 / x.shape[1])\n", "gpu-kernel-correct", False),
    "a thread that finishes later": (
        "import threading, time\n\n\ndef run(x, out):\n    def later():\n        time.sleep(0.02)\n"
        "        right(x, -1, out=out)\n\n    threading.Thread(target=later).start()\n",
        "gpu-kernel-late-write",
        True,
    ),
    "a thread that stays": (
        "import threading, time\n\n\ndef run(x, out):\n    global calls\n    calls += 1\n    right(x, -1, out=out)\n"
        "    if calls == 6:\n        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n",
        "gpu-kernel-threads",
        True,
    ),
    "a process that stays": (
        "import subprocess\n\n\ndef run(x, out):\n    global calls\n    calls += 1\n    right(x, -1, out=out)\n"
        "    if calls == 6:\n        subprocess.Popen(['sleep', '20'])\n",
        "gpu-kernel-threads",
        True,
    ),
    "an error": ("def run(x, out):\n    raise ValueError('no')\n", "gpu-kernel-correct", False),
    "the end of the process": ("import os\n\n\ndef run(x, out):\n    os._exit(0)\n", "gpu-kernel-correct", False),
    "a forged reply": (
        "import os\n\n\ndef run(x, out):\n    for one in range(3, 20):\n        try:\n"
        "            os.write(one, b'GR01' + bytes(60))\n        except OSError:\n            pass\n",
        "protocol",
        True,
    ),
    "a shorter file": (
        "import gc, os\nfrom assay_judge.gpu_kernel_sets import AreaFile\n\n\ndef run(x, out):\n"
        "    right(x, -1, out=out)\n    AreaFile.put = lambda self, tensor, place: os.ftruncate(self._file, 0)\n",
        "protocol",
        True,
    ),
    "no tensor": (
        "def run(x, out):\n    right(x, -1, out=out)\n    x.resize_(0)\n",
        "gpu-kernel-inputs-unchanged",
        True,
    ),
}
RETURNED = {
    "another shape": ("def run(x):\n    return right(x, -1)[:1]\n", {"gpu-kernel-shape", "gpu-kernel-correct"}),
    "another type": ("def run(x):\n    return right(x, -1).double()\n", {"gpu-kernel-shape", "protocol"}),
    "a tensor that is lazy": (
        "class Lazy(torch.Tensor):\n    pass\n\n\ndef run(x):\n    return right(x, -1).as_subclass(Lazy)\n",
        {"gpu-kernel-shape"},
    ),
}


@pytest.mark.parametrize(("share", "transport"), [("never", "file"), ("always", "memory")])
def test_an_honest_solution_passes(share: str, transport: str, tmp_path: Path):
    options = ("--blocks", "3", "--no-compile", "--share", share)
    result = judged(tmp_path, SOFTMAX, solution_of(SOFTMAX, HONEST), options=options)
    assert result["valid"], result
    assert failed(result) == set()
    assert result["transport"] == transport
    assert [one["id"] for one in result["checks"]] == list(CHECKS)
    assert 0 <= result["value"] <= 1
    assert len(result["traces"]) == 2
    assert {one["evaluation"]["status"] for one in result["traces"]} == {"PASSED"}


@pytest.mark.parametrize("name", ["adamw_fp32", "moe_route_fp32", "quantize_rows_fp8", "paged_decode_bf16"])
def test_a_reference_passes_as_a_solution(name: str, tmp_path: Path):
    folder = next(PROBLEMS.glob(f"*/{name}"))
    solution = solution_of(folder, (folder / "reference.py").read_text(), passing=False)
    result = judged(tmp_path, folder, solution)
    assert result["valid"], result


@pytest.mark.parametrize("share", ["never", "always"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_wrong_or_hostile_solution_is_refused_for_its_reason(name: str, share: str, tmp_path: Path):
    text, check, suspected = HOSTILE[name]
    if name in ("a shorter file", "no tensor") and share == "always":
        pytest.skip("what is shared cannot be shortened, and nothing is read through the host's tensors")
    options = ("--blocks", "5", "--no-compile", "--share", share)
    result = judged(tmp_path, SOFTMAX, solution_of(SOFTMAX, BEFORE + text), options=options)
    assert not result["valid"]
    assert failed(result) == {check}, result["reason"]
    assert result.get("suspected", False) == suspected, result["reason"]


@pytest.mark.parametrize("name", RETURNED)
def test_what_is_returned_must_be_what_is_described(name: str, tmp_path: Path):
    text, checks = RETURNED[name]
    result = judged(tmp_path, SOFTMAX, solution_of(SOFTMAX, BEFORE + text, passing=False))
    assert not result["valid"]
    assert failed(result) <= checks, result["reason"]


def test_the_solution_that_runs_is_the_one_that_was_submitted(tmp_path: Path):
    other = tmp_path / "other.json"
    import json

    other.write_text(json.dumps(solution_of(SOFTMAX, HONEST + "\n\nEXTRA = 1\n")))
    exchange = tmp_path / "run" / "exchange"
    command = [sys.executable, "-P", "-m", "assay_judge.gpu_kernel_host", "--device", "cpu"]
    command += ["--solution", str(other), "--exchange", str(exchange)]
    result = judged(tmp_path / "run", SOFTMAX, solution_of(SOFTMAX, HONEST), host=command)
    assert failed(result) == {"gpu-kernel-sources"} and result["suspected"]


def test_a_set_is_its_base_turned_and_changed():
    problem = schema.load_problem(SOFTMAX)
    workload = problem.cpu_workloads[0]
    axes = problem.definition.resolve(workload.axes)
    base = sampler.draw(problem.definition, workload, axes, "cpu", 3, "normal")
    changes = sampler.draw_changes(problem.definition, axes, base, random.Random(5))
    near = sampler.one_element(changes, base, random.Random(6))
    first, second = ({"x": torch.empty_like(base["x"])} for _ in range(2))
    sampler.apply(base, [sampler.Change.from_json(one.to_json()) for one in changes], first)
    sampler.apply(base, near, second)
    assert int((first["x"] != second["x"]).sum()) == 1
    turned = base["x"].reshape(-1).roll(changes[0].turn)
    assert 1 <= int((first["x"].reshape(-1) != turned).sum()) <= sampler.PATCHES
    # Not by whole rows.
    assert changes[0].turn % axes["columns"] != 0


def test_the_same_seed_draws_the_same_and_leaves_the_global_generator_alone():
    problem = schema.load_problem(PROBLEMS / "loss" / "cross_entropy_bf16")
    workload = problem.cpu_workloads[0]
    axes = problem.definition.resolve(workload.axes)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    one, other, third = (sampler.draw(problem.definition, workload, axes, "cpu", seed, "normal") for seed in (4, 4, 5))
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(one["logits"], other["logits"]) and not torch.equal(one["logits"], third["logits"])


def test_what_a_call_reached_is_a_part_of_each_ceiling():
    problem = schema.load_problem(min(PROBLEMS.rglob("definition.json")).parent)
    ceilings = timing.Ceilings(bytes=3e12, fp32=5e13, fp16=7e14, bf16=7e14, fp8=1.4e15)
    axes = problem.definition.resolve(problem.workloads[0].axes)
    light = timing.speed_of_light(problem, axes, ceilings)
    found = timing.achieved(problem, axes, light, ceilings, 0)
    # At the speed of light one of the two ceilings is reached, and none is passed.
    assert max(found["bandwidth_share_0"], found["rate_share_0"]) == pytest.approx(1.0)
    half = timing.achieved(problem, axes, 2 * light, ceilings, 0)
    assert half["bandwidth_share_0"] == pytest.approx(found["bandwidth_share_0"] / 2)
    assert half["rate_0"] == pytest.approx(found["rate_0"] / 2)


def test_the_score():
    assert timing.score(10e-6, 10e-6, 2e-6) == pytest.approx(0.5)
    assert timing.score(2e-6, 10e-6, 2e-6) == 1.0
    assert timing.score(1e-6, 10e-6, 2e-6) == 1.0
    assert timing.score(18e-6, 10e-6, 2e-6) == pytest.approx(1 / 3)
    # A baseline at the speed of light leaves no room, and nothing is divided by zero.
    assert 0 <= timing.score(3e-6, 2e-6, 2e-6) < 0.1


def block(outer: float, event: float, raw: float) -> timing.Block:
    return timing.Block(outer=outer, event=event, eager=1e-3, compiled=None, raw=raw)


def test_clocks_that_disagree_are_told():
    assert timing.clocks_agree([block(1e-3, 1e-3, 1.1e-3)] * 3, 10)[0]
    assert not timing.clocks_agree([block(1e-3, 1e-5, 1.1e-3)] * 3, 10)[0]
    # As on an H100: an honest burst, and one on a stream that the events do not see.
    assert timing.clocks_agree([block(74e-6, 61e-6, 90e-6)] * 3, 24)[0]
    assert not timing.clocks_agree([block(93e-6, 34.3e-6, 190e-6)] * 3, 16)[0]
    # No event is outside of the question and its answer, whatever the price is said to be.
    assert not timing.clocks_agree([block(1e-3, 1.3e-3, 1.1e-3)] * 3, 10)[0]


def test_a_price_that_is_too_high_makes_no_call_look_short():
    """A burst of 8 whose events are 1.452 ms apart: 2.4 ms in all, of which 1.426 were said to be asking and taking."""
    net = timing.net_seconds(2.4e-3, 1.426e-3, 1.452e-3)
    assert net == pytest.approx(1.452e-3)
    assert timing.clocks_agree([block(net / 8, 1.452e-3 / 8, 2.4e-3 / 8)] * 3, 8)[0]
    assert timing.net_seconds(1e-3, 1e-4) == pytest.approx(9e-4)
    assert timing.net_seconds(1e-3, 1.0) >= 0.25e-3
    # Events that a host makes up can only make it slower, and never slower than the judge's clock.
    assert timing.net_seconds(1e-3, 1e-4, 1e-9) == pytest.approx(9e-4)
    assert timing.net_seconds(1e-3, 1e-4, 7.0) == pytest.approx(1e-3)


# As where the device changes from one process to another: seconds around the calls that no event sees.
AROUND = """
import time
from assay_judge import gpu_kernel_host
calls = gpu_kernel_host.Host._calls
def slow(self, order):
    time.sleep(0.03)
    return calls(self, order)
gpu_kernel_host.Host._calls = slow
gpu_kernel_host.main()
"""


@pytest.mark.parametrize("share", ["always", "never"])
def test_the_price_of_a_burst_is_what_lies_around_its_calls(tmp_path: Path, share: str):
    options = ("--blocks", "3", "--no-compile", "--share", share, "--workloads", "0")
    slow = HONEST.replace("    torch", "    import time\n    time.sleep(0.02)\n    torch")
    path, folder = tmp_path / "around.py", tmp_path / "with"
    path.write_text(AROUND)
    given = ["--solution", str(folder / "solution.json"), "--exchange", str(folder / "exchange"), "--device", "cpu"]
    for host, least in ((None, 0), ([sys.executable, "-P", str(path), *given], 0.03)):
        folder = tmp_path / ("with" if host else "without")
        found = judged(folder, SOFTMAX, solution_of(SOFTMAX, slow), options=options, host=host)
        assert found["valid"], found
        (one,) = found["workloads"]
        assert least < one["price"] < least + 0.02 * one["calls"]
        for raw, outer in zip(one["raw_all"], one["outer_all"], strict=True):
            assert 0.02 <= outer <= raw - least / one["calls"]
            assert outer < 0.028


EARLY = """import sys, time
import torch

kind = sys.modules["__main__"].Host
ready = kind._set_up


def set_up(self, content):
    reply = ready(self, content)
    until = time.process_time() + 0.04
    while time.process_time() < until:
        for x, out in self._arguments:
            torch.softmax(x, -1, out=out)
    return reply


kind._set_up = set_up


def run(x, out):
    pass
"""


def test_work_while_the_sets_are_made_ready_counts_as_work_of_the_burst(tmp_path: Path):
    options = ("--blocks", "5", "--no-compile", "--share", "never")
    result = judged(tmp_path, SOFTMAX, solution_of(SOFTMAX, EARLY), options=options)
    assert result["valid"], result
    assert all(one["seconds"] * one["calls"] > 0.02 for one in result["workloads"]), result["workloads"]


def test_what_making_ready_took_before_is_free():
    assert timing.early_seconds(ready=2.1e-3, before=2e-3) == 0
    assert timing.early_seconds(ready=5e-3, before=2e-3) == pytest.approx(2.7e-3)


def test_the_clock_of_a_host_on_a_cpu_is_its_own():
    started = work_clock("cpu", os.getpid()), time.process_time()
    time.sleep(0.02)
    assert work_clock("cpu", os.getpid()) - started[0] == pytest.approx(time.process_time() - started[1], abs=5e-3)
    elsewhere = work_clock("cuda", os.getpid())
    time.sleep(0.02)
    assert work_clock("cuda", os.getpid()) - elsewhere >= 0.02


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ninja") is None or shutil.which("c++") is None, reason="no compiler here")
def test_a_compiled_solution_runs_nothing_before_it_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    text = """#include <torch/extension.h>
#include <cstdlib>
#include <fstream>
static const bool ran = [] { std::ofstream(std::getenv("SEEN")) << "ran"; return true; }();
void run(torch::Tensor x, torch::Tensor out) { out.copy_(torch::softmax(x, -1)); }
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("run", &run); }
"""
    solution = solution_of(SOFTMAX, text, language="cuda_cpp")
    solution["spec"]["entry_point"] = "kernel.cpp::run"
    solution["sources"][0]["path"] = "kernel.cpp"
    (tmp_path / "solution.json").write_text(json.dumps(solution))
    host = Host(tmp_path / "solution.json", tmp_path, "cpu", tmp_path)
    host.build()
    assert (tmp_path / "build" / "benchmark_kernel.so").exists()
    assert not (tmp_path / "seen").exists()
    host.answer(protocol.LOAD, {})
    assert (tmp_path / "seen").exists()


def test_what_does_not_compile_is_told_when_it_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    solution = solution_of(SOFTMAX, "x", language="cuda_cpp")
    solution["spec"]["entry_point"] = "kernel.cpp::run"
    solution["sources"][0]["path"] = "kernel.cpp"
    (tmp_path / "solution.json").write_text(json.dumps(solution))

    def fails(*_: object) -> None:
        raise RuntimeError("kernel.cpp:1: error")

    monkeypatch.setattr(Host, "_compile", staticmethod(fails))
    host = Host(tmp_path / "solution.json", tmp_path, "cpu", tmp_path)
    host.build()
    monkeypatch.undo()
    with pytest.raises(RuntimeError, match=r"kernel\.cpp:1: error"):
        host.answer(protocol.LOAD, {})


def test_references_compile_where_a_compiler_steps_into_them():
    """Dynamo imports the module that a function says it is from, and gives up after a few of one code object."""
    graphs = []

    def backend(graph, _inputs):
        graphs.append(graph)
        return graph.forward

    torch._dynamo.reset()
    folders = [next(PROBLEMS.glob(f"*/{name}")) for name in ("softmax_fp32", "rms_norm_bf16", "rotary_bf16")]
    for folder in folders:
        problem = schema.load_problem(folder)
        reference = Reference(problem.definition)
        workload = problem.cpu_workloads[0]
        axes = problem.definition.resolve(workload.axes)
        inputs = list(sampler.draw(problem.definition, workload, axes, "cpu", 1, "normal").values())

        def outside(*given, run=reference.run):
            return run(*given)

        for function in (outside, reference.run):
            made = as_list(torch.compile(function, backend=backend, dynamic=False, fullgraph=True)(*inputs))
            assert all(map(torch.equal, made, as_list(reference.run(*inputs))))
        # Older versions wrap a function without a source: all of them share one code, and its few compilations.
        assert inspect.getsource(reference.run).startswith("def run(")
        assert Reference(problem.definition).run is reference.run
    assert len(graphs) == 2 * len(folders)


def test_the_exchange_is_as_large_as_a_sandbox_lets_files_be(tmp_path: Path):
    text = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
from assay_judge.gpu_kernel_sets import AreaFile
print(AreaFile(sys.argv[1], 16 << 30).size, os.stat(sys.argv[1]).st_size)
"""
    command = [sys.executable, "-P", "-c", text, str(tmp_path / "area")]
    end = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    assert end.stdout.split() == [str(1 << 20)] * 2, end.stderr


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_comparison_knows_rounding_from_less_precision(dtype: torch.dtype):
    generator = torch.Generator().manual_seed(3)
    exact = torch.randn(64, 256, generator=generator, dtype=torch.float64)
    plain = exact.to(dtype)
    assert verifying.comparison_works(exact, plain) >= 3
    # TF32 keeps ten bits; half of a neighbour's distance is what honest rounding costs.
    shorter = {torch.float32: torch.float16, torch.bfloat16: torch.float8_e4m3fn, torch.float16: torch.bfloat16}
    assert not verifying.verify(exact.to(torch.float32).to(shorter[dtype]).to(dtype), exact, plain).ok
    one_off = plain.clone()
    one_off[3, 7] += 0.5
    assert not verifying.verify(one_off, exact, plain).ok
