"""Small problems, solutions and traces of our own in SOL-ExecBench's schema; a program that behaves as its command."""

from __future__ import annotations

import copy
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
FAKE = [sys.executable, str(Path(__file__).with_name("fake_sol_execbench.py"))]

DEFINITION = {
    "name": "mix.rows",
    "op_type": "mix",
    "axes": {
        "rows": {"type": "var", "description": "how many"},
        "width": {"type": "const", "value": 64},
        "double": {"type": "expr", "expression": "2 * (width - 0) % 1000"},
    },
    "inputs": {
        "x": {"shape": ["rows", "width"], "dtype": "float32"},
        "w": {"shape": ["width", "double"], "dtype": "float32", "description": "weights"},
        "factor": {"shape": None, "dtype": "float32"},
    },
    "outputs": {"y": {"shape": ["rows", "double"], "dtype": "float32"}},
    "reference": "import torch\n\n\ndef run(x, w, factor):\n    return (x @ w) * factor\n",
    "note of a later version": 1,
}
WORKLOADS = [
    {
        "uuid": f"w-{rows}",
        "axes": {"rows": rows},
        "inputs": {"factor": {"type": "scalar", "value": 0.5}, "x": {"type": "random"}, "w": {"type": "random"}},
    }
    for rows in (16, 48)
]
KERNEL = "import torch\n\n\ndef run(x, w, factor):\n    return torch.matmul(x, w) * factor\n"
SOLUTION = {
    "name": "ours",
    "definition": "mix.rows",
    "author": "tests",
    "spec": {
        "languages": ["pytorch"],
        "target_hardware": ["LOCAL"],
        "entry_point": "kernel.py::run",
        "destination_passing_style": False,
    },
    "sources": [{"path": "kernel.py", "content": ""}],
}


def write_problem(folder: Path, definition: dict = DEFINITION, workloads: list[dict] = WORKLOADS) -> Path:
    folder.mkdir(parents=True)
    (folder / "definition.json").write_text(json.dumps(definition))
    (folder / "workload.jsonl").write_text("\n".join(json.dumps(one) for one in workloads) + "\n\n")
    return folder


def write_solution(folder: Path, kernel: str = KERNEL, **changed: object) -> Path:
    """`changed`: fields of solution.json; those of its `spec` by `spec`."""
    folder.mkdir(parents=True)
    solution = copy.deepcopy(SOLUTION)
    solution["spec"] |= changed.pop("spec", {})
    (folder / "solution.json").write_text(json.dumps(solution | changed))
    (folder / "kernel.py").write_text(kernel)
    return folder


def evaluation(status: str = "PASSED", latency: float = 0.5) -> dict:
    found: dict = {
        "status": status,
        "environment": {"hardware": "a GPU", "libs": {"torch": "2.11.0"}},
        "timestamp": "2026-01-01T00:00:00",
    }
    if status in ("PASSED", "INCORRECT_NUMERICAL"):
        found["correctness"] = {"max_relative_error": 1e-3, "max_absolute_error": 0.25}
    if status == "PASSED":
        found["performance"] = {"latency_ms": latency, "reference_latency_ms": 1.0, "speedup_factor": 1 / latency}
    return found


def trace(workload: dict, **changed: object) -> dict:
    return {"definition": "mix.rows", "workload": workload, "solution": "ours", "evaluation": evaluation()} | changed
