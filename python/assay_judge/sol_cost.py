"""What a problem's reference must do at least, counted without computing anything: operations and bytes of a workload.

The reference runs on meta tensors, which have shapes and no content, while its matrix products are counted. What is
counted must be a floor, because a kernel that is faster than it is a finding: a reference that selects (a mask, top-k,
rows by an index) may do and read more than a kernel has to, so there operations, or inputs, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from assay_judge.gpu_kernel_inputs import DTYPES
from assay_judge.gpu_kernel_schema import DTYPE_BYTES
from assay_judge.sol_schema import Record

PRODUCTS_OF_FLOAT32 = 3
READS_LESS = ("index", "gather", "embedding", "take", "nonzero")
DOES_LESS = (*READS_LESS, "masked_", "where", "triu", "tril", "topk", "sort", "scatter")


@dataclass(frozen=True)
class Least:
    operations: int
    bytes: int
    words: str


class _Counting(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.operations = 0
        self.selecting: set[str] = set()
        self.reading: set[str] = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        packet = function._overloadpacket
        name = packet.__name__
        if name.startswith(READS_LESS):
            self.reading.add(name)
        if name.startswith(DOES_LESS) or ("dot_product" in name and True in (*args, *kwargs.values())):
            self.selecting.add(name)
        if packet in flop_registry:
            self.operations += int(flop_registry[packet](*args, **kwargs, out_val=result))
        return result


def least_of(definition: Record, workload: Record, axes: dict[str, int]) -> Least:
    """Of one call. `definition` is trusted: its reference is run."""
    outputs = _bytes_of(definition["outputs"], axes)
    everything = outputs + _bytes_of(definition["inputs"], axes)
    try:
        names: dict = {"__name__": "counted_reference"}
        exec(compile(str(definition["reference"]), "<reference>", "exec"), names)
        inputs = _meta_inputs(definition, workload, axes, names)
        with _Counting() as counting:
            names["run"](*(inputs[name] for name in definition["inputs"]))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".split("\n")[0][:120]
        return Least(0, outputs, f"not counted, the outputs' bytes alone: the reference needs content ({reason})")
    if counting.reading:
        return Least(
            0, outputs, f"the outputs' bytes alone: the reference reads by {', '.join(sorted(counting.reading))}"
        )
    if counting.selecting:
        return Least(0, everything, f"bytes alone: the reference selects by {', '.join(sorted(counting.selecting))}")
    words = f"{counting.operations:.3g} operations of matrix products" if counting.operations else "no matrix products"
    return Least(counting.operations, everything, words)


def _meta_inputs(definition: Record, workload: Record, axes: dict[str, int], names: dict) -> dict:
    custom = definition["custom_inputs_entrypoint"]
    if custom is not None and all(one["type"] == "custom" for one in workload["inputs"].values()):
        return names[custom](dict(axes), torch.device("meta"))
    found = {}
    for name, tensor in definition["inputs"].items():
        given = workload["inputs"][name]
        if given["type"] == "scalar":
            found[name] = given["value"]
        else:
            found[name] = torch.empty(sizes_of(tensor, axes), dtype=DTYPES[tensor["dtype"]], device="meta")
    return found


def sizes_of(tensor: Record, axes: dict[str, int]) -> list[int]:
    return [int(one) if one.isdigit() else axes[one] for one in tensor["shape"] or ()]


def _bytes_of(tensors: Record, axes: dict[str, int]) -> int:
    total = 0
    for tensor in tensors.values():
        if tensor["shape"] is not None:
            count = 1
            for size in sizes_of(tensor, axes):
                count *= size
            total += count * DTYPE_BYTES[tensor["dtype"]]
    return total


def unit_of(definition: Record) -> tuple[str, int]:
    """The unit that may do the products, and how many of its products one is.

    It is that of the shortest floating-point input, so that none is faster. A product of float32 is three of float16,
    whose sum is as precise (each factor in a high and a low part), and that is faster than the unit for float32.
    """
    types = {one["dtype"] for one in definition["inputs"].values() if one["shape"] is not None}
    for prefix, unit in (("float8", "fp8"), ("float16", "fp16"), ("bfloat16", "bf16")):
        if any(one.startswith(prefix) for one in types):
            return unit, 1
    return "fp16", PRODUCTS_OF_FLOAT32
