"""What a burst left, compared with what is right; a wrong output is explained."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from assay_judge import gpu_kernel_verify as verifying
from assay_judge.gpu_kernel_inputs import DTYPES, Inputs
from assay_judge.gpu_kernel_reference import Reference
from assay_judge.gpu_kernel_schema import Axes, Definition
from assay_judge.gpu_kernel_sets import AreaFile, Sets, bits_of
from assay_judge.protocol import HostFailure

LATE_SECONDS = 0.05
"""How long a wrong output is given to change by itself."""
OTHERS = 6
"""Sets of the same burst whose results a wrong output is compared with."""

Bits = tuple[list[list], object]
"""What was asked (set, output, places) and what came, which has to be looked at first."""


class Refusal(Exception):
    """A check failed. `suspected`: an honest mistake does not look like this."""

    def __init__(self, check: str, reason: str, suspected: bool) -> None:
        super().__init__(reason)
        self.check = check
        self.reason = reason
        self.suspected = suspected


@dataclass
class Taken:
    """What came back of one burst."""

    reference: Reference
    sets: Sets
    bases: list[Inputs]
    plan: list[dict]
    probe: tuple[int, int]
    area: AreaFile
    device: str
    outputs: dict[tuple[int, int], torch.Tensor] = field(default_factory=dict)
    """By set and number."""
    timed: Bits = ([], None)
    sampled: Bits = ([], None)
    items: list[list] = field(default_factory=list)
    again: Callable[[], object] = field(default=lambda: None)
    """Asks for the same once more, into the same places of the file."""
    later: Callable[[], dict[tuple[int, int], torch.Tensor]] | None = None
    """Where memory is shared: the outputs as they lie there now."""
    earlier: Callable[[int], Inputs] | None = None
    """The inputs that a set had in the burst before."""
    worst: float = 0.0
    relative: float = 0.0
    largest: float = 0.0
    planted: int = 0

    def numbers_only(self) -> Taken:
        """Without the tensors, which another burst overwrites."""
        self.outputs, self.bases = {}, []
        return self

    def read(self, items: list[list], shapes: object, definition: Definition, axes: Axes) -> None:
        """Raises Refusal when an output has another shape or type, HostFailure when there is nothing."""
        if not isinstance(shapes, list) or len(shapes) != len(items):
            raise HostFailure("invalid-metric", "the kernel host does not say what it gave")
        for (one, kind, which, place), claimed in zip(items, shapes, strict=True):
            if kind != "outputs":
                continue
            wanted = definition.outputs[which]
            sizes = wanted.sizes(axes)
            if claimed != [list(sizes), wanted.dtype]:
                reason = f"output {wanted.name} is {str(claimed)[:80]}, not {list(sizes)} {wanted.dtype}"
                raise Refusal("gpu-kernel-shape", reason, suspected=False)
            self.outputs[one, which] = self._get(sizes, wanted.dtype, place)

    def once_more(self, definition: Definition, axes: Axes) -> dict[tuple[int, int], torch.Tensor]:
        if self.later is not None:
            return self.later()
        self.again()
        return {
            (one, which): self._get(definition.outputs[which].sizes(axes), definition.outputs[which].dtype, place)
            for one, kind, which, place in self.items
            if kind == "outputs"
        }

    def _get(self, sizes: tuple[int, ...], dtype: str, place: int) -> torch.Tensor:
        try:
            return self.area.get(sizes, dtype, place, self.device)
        except EOFError as error:
            raise HostFailure("invalid-metric", str(error)) from error


def check_outputs(taken: Taken, definition: Definition, axes: Axes) -> int:
    """How many elements were right. Raises Refusal or HostFailure."""
    looked = 0
    timed = _as_bits(taken.timed)
    sampled = _as_bits(taken.sampled)
    for one in sorted({one for one, _ in taken.outputs}):
        inputs = taken.sets.inputs[one]
        plain, exact = taken.reference.plain(inputs), taken.reference.exact(inputs)
        for which, (own, right) in enumerate(zip(plain, exact, strict=True)):
            output = taken.outputs[one, which]
            verdict = verifying.verify(output, right, own)
            if not verdict.ok:
                _explain(taken, definition, axes, one, which, right, own)
            if not taken.planted:
                taken.planted = verifying.comparison_works(right.to(torch.float64), own)
            for places, bits in timed.get((one, which), []):
                if bits_of(output, places) != bits:
                    reason = "elements that were read while the clock ran are not those of the output"
                    raise Refusal("gpu-kernel-late-write", reason, suspected=True)
            taken.worst = max(taken.worst, verdict.share)
            taken.relative = max(taken.relative, verdict.relative)
            taken.largest = max(taken.largest, verdict.largest)
            looked += output.numel()
    return looked + _check_samples(taken, definition, timed) + _check_samples(taken, definition, sampled)


def _as_bits(given: Bits) -> dict[tuple[int, int], list[tuple[list[int], list[int]]]]:
    """Places and bits by set and output. Raises HostFailure when the reply has another form."""
    asked, came = given
    is_list = isinstance(came, list) and len(came) == len(asked)
    if not is_list or not all(
        isinstance(bits, list) and len(bits) == len(places) and all(type(one) is int for one in bits)
        for (_, _, places), bits in zip(asked, came, strict=True)
    ):
        raise HostFailure("invalid-metric", "the kernel host's samples have another form")
    found: dict[tuple[int, int], list[tuple[list[int], list[int]]]] = {}
    for (one, which, places), bits in zip(asked, came, strict=True):
        found.setdefault((one, which), []).append((places, bits))
    return found


def _check_samples(taken: Taken, definition: Definition, samples: dict) -> int:
    """A few elements of each of some sets, with the bounds of single elements."""
    looked = 0
    for (one, which), pieces in samples.items():
        dtype = DTYPES[definition.outputs[which].dtype]
        inputs = taken.sets.inputs[one]
        plain, exact = taken.reference.plain(inputs)[which], taken.reference.exact(inputs)[which]
        for places, bits in pieces:
            output = _values(bits, dtype, taken.device)
            index = torch.tensor(places, dtype=torch.int64, device=taken.device)
            left = verifying.poison_left(output)
            spread = plain.clone()
            spread.reshape(-1).view(output.dtype)[index] = output
            if left and verifying.poison_left(plain.reshape(-1)[index]) < left:
                reason = f"{left} of {len(places)} sampled elements of a call of a burst still hold their poison"
                raise Refusal("gpu-kernel-poison", reason, suspected=left == len(places))
            verdict = verifying.verify(spread, exact, plain)
            if not verdict.ok:
                reason = "sampled elements of a call are wrong where outputs of other calls of the burst were right"
                right, own = exact.reshape(-1)[index].to(torch.float64), output.to(torch.float64)
                relative = float((own - right).norm() / right.norm().clamp_min(1e-30))
                is_close = relative < verifying.SLOPPY and output.dtype.is_floating_point
                check = "gpu-kernel-precision" if is_close else "gpu-kernel-correct"
                raise Refusal(check, f"{reason}: {verdict.words}", suspected=False)
            looked += len(places)
    return looked


def _values(bits: list[int], dtype: torch.dtype, device: str) -> torch.Tensor:
    kinds = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    try:
        return torch.tensor(bits, dtype=kinds[dtype.itemsize], device=device).view(dtype)
    except (RuntimeError, OverflowError, TypeError) as error:
        raise HostFailure("invalid-metric", "the kernel host's samples are no elements of the output") from error


def _explain(
    taken: Taken, definition: Definition, axes: Axes, one: int, which: int, exact: torch.Tensor, plain: torch.Tensor
) -> None:
    """Raises Refusal for a wrong output: late, unwritten, stale, imprecise, or simply wrong."""
    output = taken.outputs[one, which]
    name = definition.outputs[which].name
    left = verifying.poison_left(output) - verifying.poison_left(plain)
    time.sleep(LATE_SECONDS)
    later = taken.once_more(definition, axes)[one, which]
    if not torch.equal(later.view(torch.uint8), output.view(torch.uint8)):
        raise Refusal("gpu-kernel-late-write", f"{name} changed after the call was said to be done", suspected=True)
    old = None if left > 0 else _stale(taken, one, which, output)
    if old is not None:
        raise Refusal("gpu-kernel-fresh", f"{name} is the result of {old}", suspected=True)
    if left > 0:
        whole = left >= output.numel() * 0.999
        reason = f"{left} of {output.numel()} elements of {name} still hold their poison"
        raise Refusal("gpu-kernel-poison", reason, suspected=whole and _others_right(taken, definition, which, one))
    verdict = verifying.verify(output, exact, plain)
    is_close = verifying.is_sloppy(verdict) and output.dtype.is_floating_point
    check = "gpu-kernel-precision" if is_close else "gpu-kernel-correct"
    raise Refusal(check, f"{name}: {verdict.words}", suspected=False)


def _stale(taken: Taken, one: int, which: int, output: torch.Tensor) -> str | None:
    """Which other inputs the output was computed from."""
    candidates = (
        [("a set that differs in one element", taken.sets.inputs[taken.probe[0]])] if (one == taken.probe[1]) else []
    )
    candidates.append(("inputs before their last change", taken.bases[taken.plan[one]["base"]]))
    if taken.earlier is not None:
        candidates.append(("the inputs of the burst before", taken.earlier(one)))
    candidates += [
        ("another call's inputs", taken.sets.inputs[other]) for other in range(min(OTHERS, taken.sets.count))
    ]
    for words, inputs in candidates:
        if inputs is taken.sets.inputs[one]:
            continue
        own, right = (run(inputs)[which] for run in (taken.reference.plain, taken.reference.exact))
        if own.shape == output.shape and verifying.verify(output, right, own).ok:
            return words
    return None


def _others_right(taken: Taken, definition: Definition, which: int, one: int) -> bool:
    """Whether another call of the burst wrote this output, as far as it was taken."""
    whole = [tensor for (other, at), tensor in taken.outputs.items() if other != one and at == which]
    dtype = DTYPES[definition.outputs[which].dtype]
    some = [
        _values(bits, dtype, taken.device)
        for (other, at), pieces in _as_bits(taken.sampled).items()
        if other != one and at == which
        for _, bits in pieces
    ]
    return any(verifying.poison_left(tensor) < tensor.numel() for tensor in (*whole, *some))
