"""A problem's reference: as it is written, compiled, and in float64 as what is right."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.overrides import TorchFunctionMode

from assay_judge.gpu_kernel_inputs import DTYPES, Inputs, namespace_of
from assay_judge.gpu_kernel_schema import Definition

ROUNDED = (torch.float32, torch.float16, torch.bfloat16)
FLOAT8 = (torch.float8_e4m3fn, torch.float8_e5m2)

Outputs = list[torch.Tensor]


class InFloat64(TorchFunctionMode):
    """Every cast to a shorter type that a reference makes is left out, so only its float64 arithmetic rounds.

    A cast to float8 is what a problem is about: it rounds, and the result goes on as float64.
    """

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        name = getattr(function, "__name__", "")
        if name in ("float", "half", "bfloat16", "double"):
            return self._cast(args[0], torch.float64)
        if name == "to":
            wanted = next((one for one in (*args[1:], *kwargs.values()) if isinstance(one, torch.dtype)), None)
            if wanted in ROUNDED or wanted in FLOAT8 or wanted is torch.float64:
                return self._cast(args[0], wanted)
        if kwargs.get("dtype") in ROUNDED:
            kwargs["dtype"] = torch.float64
        return function(*args, **kwargs)

    @staticmethod
    def _cast(tensor: torch.Tensor, wanted: torch.dtype) -> torch.Tensor:
        with torch._C.DisableTorchFunction():
            if wanted in FLOAT8:
                return tensor.to(torch.float32).to(wanted).to(torch.float64)
            return tensor.to(torch.float64)


class Reference:
    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.run: Callable = namespace_of(definition)["run"]
        self._compiled: Callable | None = None

    def plain(self, inputs: Inputs) -> Outputs:
        return as_list(self.run(*self._ordered(inputs)))

    def compiled(self) -> Callable:
        """The reference through torch.compile; compiled by its first call."""
        if self._compiled is None:
            self._compiled = torch.compile(self.run, dynamic=False)
        return self._compiled

    def exact(self, inputs: Inputs) -> Outputs:
        """In float64, from the same (rounded) inputs; integers stay integers."""
        lifted = {}
        for name, value in inputs.items():
            is_float = isinstance(value, torch.Tensor) and value.dtype.is_floating_point
            lifted[name] = value.to(torch.float64) if is_float else value
        with torch.no_grad(), InFloat64():
            return as_list(self.run(*self._ordered(lifted)))

    def _ordered(self, inputs: Inputs) -> list:
        return [inputs[one.name] for one in self.definition.inputs]


def as_list(result: torch.Tensor | tuple | list | dict) -> Outputs:
    """What a run gave, as a list of its outputs in order."""
    if isinstance(result, torch.Tensor):
        return [result]
    return list(result.values()) if isinstance(result, dict) else list(result)


def empty_outputs(definition: Definition, axes: dict[str, int], device: str) -> Outputs:
    return [torch.empty(one.sizes(axes), dtype=DTYPES[one.dtype], device=device) for one in definition.outputs]
