"""Inputs of a workload that upstream recorded in safetensors files. Runs in the judge; needs safetensors."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from assay_judge.gpu_kernel_inputs import DTYPES


def inputs_of(folder: str, described: str, axes: dict[str, int], device: str) -> dict:
    """Recorded tensors as they are, others normal from torch's global generator, scalars as given.

    `described`: JSON of the definition's inputs and of the inputs of each workload; axes['assay_workload'] says which.
    Raises ValueError for a recorded tensor of another shape or type.
    """
    record = json.loads(described)
    found: dict = {}
    for name, given in record["workloads"][axes["assay_workload"]].items():
        tensor = record["inputs"][name]
        if given["type"] == "scalar":
            found[name] = given["value"]
            continue
        sizes = tuple(int(one) if one.isdigit() else axes[one] for one in tensor["shape"] or ())
        dtype = DTYPES[tensor["dtype"]]
        if given["type"] == "safetensors":
            found[name] = _load(Path(folder), given, sizes, dtype, device)
        elif dtype == torch.bool:
            found[name] = torch.rand(sizes, device=device) < 0.8
        elif dtype.is_floating_point:
            found[name] = torch.randn(sizes, device=device).to(dtype)
        else:
            found[name] = torch.randint(-1024, 1024, sizes, device=device).to(dtype)
    return found


def _load(folder: Path, given: dict, sizes: tuple[int, ...], dtype: torch.dtype, device: str) -> torch.Tensor:
    from safetensors import safe_open

    path = (folder / given["path"]).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"the recorded input {given['path']} lies outside {folder}")
    with safe_open(str(path), framework="pt", device="cpu") as file:
        tensor = file.get_tensor(given["tensor_key"])
    if tuple(tensor.shape) != sizes or tensor.dtype != dtype:
        raise ValueError(f"{given['path']}: {given['tensor_key']} is {tuple(tensor.shape)} {tensor.dtype}, not {sizes}")
    return tensor.to(device)
