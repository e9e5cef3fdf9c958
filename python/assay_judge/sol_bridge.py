"""Writes a problem of SOL-ExecBench down as one of our own kernel judge's (gpu_kernel_judge.py), with its cost.

Every workload keeps its uuid. Axes that follow from others are given as numbers, and what the reference must do at
least stands in further axes of the workload, from which cost.json takes it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from assay_judge import gpu_kernel_schema as ours
from assay_judge.sol_cost import Least, least_of, unit_of
from assay_judge.sol_files import SolProblem, to_line
from assay_judge.sol_schema import TOLERANCE, Record, resolve_axes

OPERATIONS, BYTES, WHICH = "assay_operations", "assay_bytes", "assay_workload"
RECORDED = "assay_recorded_inputs"
LOADER = """

def {name}(axes, device):
    from assay_judge.sol_recorded import inputs_of

    return inputs_of({folder!r}, {described!r}, axes, device)
"""


class Unsupported(ValueError):
    """Our own judge cannot measure this problem or solution. The message says what it would need."""


def bridge_problem(problem: SolProblem, folder: Path, tensors: Path | None) -> list[Least]:
    """Writes the problem's files into `folder`; what each workload must do at least. Raises Unsupported.

    `tensors`: where recorded inputs lie.
    """
    definition = problem.definition
    for kind in ("inputs", "outputs"):
        for name, tensor in definition[kind].items():
            if tensor["dtype"] not in ours.DTYPE_BYTES:
                raise Unsupported(f"{kind}.{name} has the type {tensor['dtype']}, which our own judge does not know")
            if kind == "outputs" and tensor["shape"] is None:
                raise Unsupported(f"outputs.{name} is a scalar; our own judge compares tensors")
    axes = [resolve_axes(definition, one) for one in problem.workloads]
    least = [least_of(definition, one, found) for one, found in zip(problem.workloads, axes, strict=True)]
    written = _definition(definition, problem.workloads, tensors)
    lines = [
        _workload(definition, workload, {**found, OPERATIONS: cost.operations, BYTES: cost.bytes, WHICH: turn})
        for turn, (workload, found, cost) in enumerate(zip(problem.workloads, axes, least, strict=True))
    ]
    folder.mkdir(parents=True)
    (folder / "definition.json").write_text(json.dumps(written))
    (folder / "reference.py").write_text(str(written["reference"]))
    for file in ("workload.jsonl", "workload.cpu.jsonl"):
        (folder / file).write_text("".join(to_line(one) + "\n" for one in lines))
    unit, products = unit_of(definition)
    cost = {"operations": f"{products}*{OPERATIONS}", "unit": unit, "bytes": BYTES}
    (folder / "cost.json").write_text(json.dumps(cost))
    return least


def plain_name(name: str) -> str:
    """A definition's name as our own judge takes it."""
    return re.sub(r"[^A-Za-z0-9_\-]", "_", name)


def _is_recorded(workload: Record) -> bool:
    return any(one["type"] == "safetensors" for one in workload["inputs"].values())


def _definition(definition: Record, workloads: tuple[Record, ...], tensors: Path | None) -> Record:
    axes = {
        name: {"type": "const", "value": axis["value"]} if axis["type"] == "const" else {"type": "var"}
        for name, axis in definition["axes"].items()
    }
    reference, custom = str(definition["reference"]), definition["custom_inputs_entrypoint"]
    if any(_is_recorded(one) for one in workloads):
        if tensors is None:
            raise Unsupported("its inputs are recorded ones (safetensors), and no folder of them is named")
        described = {"inputs": definition["inputs"], "workloads": [one["inputs"] for one in workloads]}
        reference += LOADER.format(name=RECORDED, folder=str(tensors), described=json.dumps(described))
        custom = RECORDED
    return {
        "name": plain_name(str(definition["name"])),
        "op_type": definition["op_type"] or "other",
        "axes": axes | {name: {"type": "var"} for name in (OPERATIONS, BYTES, WHICH)},
        # Ours would call it for every workload; upstream calls it for those that ask for it.
        "custom_inputs_entrypoint": custom if _all_custom(workloads) or custom == RECORDED else None,
        "inputs": {name: {"shape": one["shape"], "dtype": one["dtype"]} for name, one in definition["inputs"].items()},
        "outputs": {
            name: {"shape": one["shape"], "dtype": one["dtype"]} for name, one in definition["outputs"].items()
        },
        "reference": reference,
    }


def _all_custom(workloads: tuple[Record, ...]) -> bool:
    kinds = {kind["type"] == "custom" for one in workloads for kind in one["inputs"].values()}
    if kinds == {True, False} and not any(_is_recorded(one) for one in workloads):
        raise Unsupported("some workloads make their inputs with custom_inputs_entrypoint and some do not")
    return kinds == {True}


def _workload(definition: Record, workload: Record, axes: dict[str, int]) -> Record:
    constant = {name for name, axis in definition["axes"].items() if axis["type"] == "const"}
    inputs = {name: workload["inputs"][name] for name in definition["inputs"]}
    if _is_recorded(workload):
        inputs = {name: {"type": "custom"} for name in inputs}
    written = {
        "uuid": workload["uuid"],
        "axes": {name: size for name, size in axes.items() if name not in constant},
        "inputs": inputs,
    }
    return written if workload["tolerance"] == TOLERANCE else written | {"tolerance": workload["tolerance"]}


def bridge_solution(solution: Record, path: Path) -> None:
    """Writes the solution as our own judge takes it. Raises Unsupported."""
    languages = list(dict.fromkeys(solution["spec"]["languages"]))
    known = ours.PYTHON_LANGUAGES + ours.CPP_LANGUAGES
    if len(languages) != 1 or languages[0] not in known:
        named = ", ".join(languages) or "none"
        raise Unsupported(f"spec.languages: {named}. Our own judge takes one of {', '.join(known)}")
    written = {**solution, "definition": plain_name(str(solution["definition"]))}
    path.write_text(json.dumps(written))
