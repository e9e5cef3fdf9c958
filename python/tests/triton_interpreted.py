"""Runs solutions of tasks/kernels in Triton's interpreter on inputs of the judge's sampler, verified as it does.

    TRITON_INTERPRET=1 python triton_interpreted.py NAME NAME …

A JSON line for each: name, workloads, and what was wrong, if anything.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import torch
import triton.language as tl
from assay_judge import gpu_kernel_inputs as sampler
from assay_judge import gpu_kernel_schema as schema
from assay_judge import gpu_kernel_verify as verifying
from assay_judge.gpu_kernel_reference import Reference
from assay_judge.gpu_kernel_sets import DTYPES
from triton.runtime import interpreter

TASK = Path(__file__).resolve().parents[2] / "tasks" / "kernels"
SEEDS = 2


def numbers(handle: interpreter.TensorHandle) -> interpreter.TensorHandle:
    """The interpreter keeps bfloat16 as its bits, and would multiply those."""
    if handle.dtype.scalar != tl.bfloat16:
        return handle
    return interpreter.TensorHandle((handle.data.astype(np.uint32) << 16).view(np.float32), tl.float32)


def multiply_numbers() -> None:
    plain = interpreter.InterpreterBuilder.create_dot
    interpreter.InterpreterBuilder.create_dot = lambda self, a, b, *rest: plain(self, numbers(a), numbers(b), *rest)


def errors_of(name: str) -> tuple[int, list[str]]:
    problem = schema.load_problem(next(TASK.glob(f"problems/*/{name}")))
    solution = schema.load_solution(TASK / "solutions" / name / "solution.json")
    place = TASK / "solutions" / name / solution.entry_file
    specification = importlib.util.spec_from_file_location(name, place)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    reference, definition = Reference(problem.definition), problem.definition
    wrong, turns = [], 0
    for workload in problem.cpu_workloads:
        axes = definition.resolve(workload.axes)
        for seed in range(SEEDS):
            kind = sampler.DISTRIBUTIONS[(turns + seed) % len(sampler.DISTRIBUTIONS)]
            inputs = sampler.draw(definition, workload, axes, "cpu", seed, kind)
            outputs = [torch.full(one.sizes(axes), 3, dtype=DTYPES[one.dtype]) for one in definition.outputs]
            getattr(module, solution.entry_function)(*inputs.values(), *outputs)
            turns += 1
            both = zip(outputs, reference.plain(inputs), reference.exact(inputs), strict=True)
            for which, (output, plain, exact) in enumerate(both):
                verdict = verifying.verify(output, exact, plain)
                if not verdict.ok:
                    wrong.append(f"{definition.outputs[which].name} for {workload.axes}, {kind}: {verdict.words}")
    return turns, wrong


def main() -> None:
    multiply_numbers()
    for name in sys.argv[1:]:
        turns, wrong = errors_of(name)
        print(json.dumps({"name": name, "turns": turns, "wrong": wrong}), flush=True)


if __name__ == "__main__":
    main()
