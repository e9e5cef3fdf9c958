"""Whether an output of a GPU kernel is right, and if not, what is wrong with it.

What is right is the reference in float64 on the same inputs. A candidate may have FACTOR times the error that the
plain reference has there, or that rounding to the output's type has in any case. So TF32 in a float32 problem, or
float8 in a bfloat16 one, is not within bounds, and any order of summation is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

FACTOR = 4.0
ROUNDING = {
    torch.float64: 2.0**-50,
    torch.float32: 2.0**-21,
    torch.float16: 2.0**-10,
    torch.bfloat16: 2.0**-7,
    torch.float8_e4m3fn: 2.0**-3,
    torch.float8_e5m2: 2.0**-2,
}
"""Distance of neighbouring numbers, relative; of float32 four times that: sums of thousands have it in any order."""
RMS_SHARE = 0.3
"""Root mean square of plain rounding over the distance of neighbours, about."""
LARGEST_UNITS = 4.0
"""Largest error of an honest implementation in units, at least."""
SLOPPY = 0.05
"""Relative error up to which an output is the right function with too little precision."""
TIES = 1e-5
"""Share of integers (places of the largest, say) that may differ, because two values are the same."""


@dataclass(frozen=True)
class Verdict:
    ok: bool
    share: float
    """Of the error budget that is used; above 1 is too much."""
    relative: float
    """Norm of the error over the norm of the result."""
    largest: float
    """Absolute."""
    words: str


def verify(output: torch.Tensor, exact: torch.Tensor, plain: torch.Tensor) -> Verdict:
    """`plain`: the reference's own output on these inputs. Shapes and types are those of `plain` already."""
    if not output.dtype.is_floating_point:
        wrong = int((output != plain).sum())
        allowed = max(2.0, TIES * output.numel())
        share = wrong / allowed
        return Verdict(wrong <= allowed, share, wrong / output.numel(), float(wrong), f"{wrong} integers differ")
    found, own = output.to(torch.float64), plain.to(torch.float64)
    if not bool(torch.isfinite(found).all()):
        return Verdict(False, 1e9, 1e9, 1e9, "not all of it is finite")
    norm = float(exact.norm()) or 1e-30
    size = norm / exact.numel() ** 0.5
    step = ROUNDING[output.dtype]
    error, own_error = (found - exact).abs_(), (own - exact).abs_()
    rms, own_rms = _rms(error), _rms(own_error)
    allowed_rms = FACTOR * max(own_rms, RMS_SHARE * step * size)
    # Of one element: what rounding there may cause, or what is usual in this output.
    unit = step * exact.abs() + max(own_rms, RMS_SHARE * step * size)
    largest, own_largest = float((error / unit).max()), float((own_error / unit).max())
    allowed_largest = FACTOR * max(own_largest, LARGEST_UNITS)
    share = max(rms / allowed_rms, largest / allowed_largest)
    words = (
        f"root mean square error {rms:.3g} of {allowed_rms:.3g}, largest {largest:.3g} of {allowed_largest:.3g} units"
    )
    return Verdict(share <= 1, share, rms * exact.numel() ** 0.5 / norm, float(error.max()), words)


def _rms(error: torch.Tensor) -> float:
    return float(error.square().mean().sqrt())


def is_sloppy(verdict: Verdict) -> bool:
    return verdict.relative < SLOPPY


def poison_left(output: torch.Tensor) -> int:
    """Elements of which every byte is the poison (gpu_kernel_sets.POISON)."""
    kinds = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    if output.dtype == torch.bool:
        return 0
    bits = output.reshape(-1).view(kinds[output.element_size()])
    return int((bits == (255 if output.element_size() == 1 else -1)).sum())


def comparison_works(exact: torch.Tensor, plain: torch.Tensor) -> int:
    """How many planted wrong outputs were noticed. Raises RuntimeError when one was not."""
    if not verify(plain, exact, plain).ok:
        raise RuntimeError("the comparison refuses the reference itself")
    if not plain.dtype.is_floating_point:
        planted = [plain.roll(1, 0)] if plain.numel() > 64 else []
    else:
        dtype = plain.dtype
        planted = [torch.zeros_like(exact), exact * 1.5, exact.flip(0) * 0.7]
        shorter = {torch.float32: torch.bfloat16, torch.bfloat16: torch.float8_e4m3fn, torch.float16: torch.bfloat16}
        # Where the plain reference is itself no better than the next shorter type, that type is not to be told.
        is_exact = verify(plain, exact, plain).relative < 0.5 * ROUNDING[dtype]
        if dtype in (torch.float32, torch.bfloat16) and is_exact:
            scale = float(exact.abs().max()) / 200 or 1.0
            planted.append((exact / scale).to(torch.float32).to(shorter[dtype]).to(torch.float64) * scale)
        planted = [one.to(torch.float32).to(dtype) for one in planted]
    for one in planted:
        if verify(one, exact, plain).ok:
            raise RuntimeError("the comparison does not notice a planted wrong output")
    return len(planted)
