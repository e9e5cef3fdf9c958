"""Whether an output is right, and if not, what is wrong with it.

Errors are counted in units: what one rounding of float32 may cause at that element. A candidate may have FACTOR times
the error that the plain float32 code has on the same inputs, or that an honest implementation may have in any case.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from assay_judge.kernel_problems import EPSILON, SMALLEST, Arrays, Exact, Generator, Problem

FACTOR = 4.0
RMS_SHARE = 0.35
"""Root mean square over largest error of an honest implementation, about: the floor of one from that of the other."""
SLOPPY = 0.03
"""Relative error up to which a wrong element is one of low precision, and not of another function."""


@dataclass(frozen=True)
class Verdict:
    ok: bool
    largest: float
    """In units; infinity where an output is not finite."""
    rms: float
    largest_allowed: float
    rms_allowed: float

    @property
    def share(self) -> float:
        """Of the budget that is used; above 1 is too much."""
        return max(self.largest / self.largest_allowed, self.rms / self.rms_allowed)

    def words(self) -> str:
        return (
            f"largest error {self.largest:.3g} of {self.largest_allowed:.3g} units of rounding, "
            f"root mean square {self.rms:.3g} of {self.rms_allowed:.3g}"
        )


def errors(output: np.ndarray, exact: Exact) -> tuple[float, float]:
    """Largest and root mean square error in units; both infinite where the output is not finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        found = np.abs(output.astype(np.float64) - exact.values) / exact.unit
    if not np.isfinite(found).all():
        return np.inf, np.inf
    return float(found.max()), float(np.sqrt(np.mean(found * found)))


def verify(problem: Problem, output: np.ndarray, exact: Exact, plain: np.ndarray) -> Verdict:
    """`plain`: what the reference computed from the same inputs."""
    largest, rms = errors(output, exact)
    plain_largest, plain_rms = errors(plain, exact)
    if not np.isfinite(plain_largest):
        raise RuntimeError(f"the reference of {problem.name} gave something that is not finite")
    largest_allowed = FACTOR * max(plain_largest, problem.floor)
    rms_allowed = FACTOR * max(plain_rms, problem.floor * RMS_SHARE)
    ok = largest <= largest_allowed and rms <= rms_allowed
    return Verdict(ok, largest, rms, largest_allowed, rms_allowed)


def is_sloppy(output: np.ndarray, exact: Exact, largest_allowed: float) -> bool:
    """Whether a wrong output is the right function with too little precision: most of what is off is off by little."""
    with np.errstate(invalid="ignore", over="ignore"):
        found = np.abs(output.astype(np.float64) - exact.values) / exact.unit
    if not np.isfinite(found).all():
        return False
    distance = np.linalg.norm(output - exact.values) / max(np.linalg.norm(exact.values), SMALLEST)
    if distance > SLOPPY:
        return False
    off = found[found > largest_allowed]
    return not len(off) or float(np.quantile(off, 0.75)) * EPSILON < SLOPPY


def poison_left(output: np.ndarray, pattern: int) -> int:
    """Elements that still hold the poison."""
    return int((output.view(np.uint32) == np.uint32(pattern)).sum())


def make_poison(generator: Generator, count: int) -> tuple[np.ndarray, int]:
    """`count` not-a-numbers with one secret payload, and the payload's bits."""
    pattern = int(0x7FC00000 | int(generator.integers(1, 1 << 22)) | (int(generator.integers(2)) << 31))
    return np.full(count, pattern, np.uint32).view(np.float32), pattern


def stale_parts(problem: Problem, output: np.ndarray, inputs: Arrays, earlier: list[Arrays]) -> str | None:
    """Which inputs of an earlier call the output was computed from; None when none explains it."""
    for old in earlier:
        if [array.shape for array in old] != [array.shape for array in inputs]:
            continue
        differs = [not np.array_equal(one, other) for one, other in zip(old, inputs, strict=True)]
        for taken in itertools.product((False, True), repeat=len(inputs)):
            if not any(use and new for use, new in zip(taken, differs, strict=True)):
                continue
            mixed = [old_one if use else new for old_one, new, use in zip(old, inputs, taken, strict=True)]
            exact = problem.exact(mixed)
            _, rms = errors(output, exact)
            if rms * EPSILON < SLOPPY / 30:
                which = [str(place + 1) for place, use in enumerate(taken) if use]
                return f"input {' and '.join(which)} of an earlier call"
    return None


def comparison_works(problem: Problem, generator: Generator) -> tuple[bool, int]:
    """Whether a right output still passes and planted wrong ones still fail; and how many were planted."""
    sizes = tuple(max(2, size // 12) for size in problem.declared[0])
    inputs = problem.draw(generator, "normal", sizes)
    exact = problem.exact(inputs)
    right = exact.values.astype(np.float32)
    one_off = right.copy()
    flat = one_off.reshape(-1)
    place = int(generator.integers(len(flat)))
    flat[place] += np.float32(100.0 * FACTOR * problem.floor * exact.unit.reshape(-1)[place])
    poisoned = right.copy()
    poison, pattern = make_poison(generator, 1)
    poisoned.reshape(-1)[place] = poison[0]
    # As bfloat16 keeps it: the lower half of the bits is gone.
    half = (right.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    planted = [one_off, poisoned, half, np.roll(right, 1, axis=0), np.zeros_like(right)]
    noticed = [not verify(problem, wrong, exact, right).ok for wrong in planted]
    works = all(noticed) and verify(problem, right, exact, right).ok and poison_left(poisoned, pattern) == 1
    return works, len(planted)
