"""How a trial of GPU kernels goes, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median

from assay_judge import gpu_kernel_timing as timing
from assay_judge.gpu_kernel_outputs import Refusal, Taken
from assay_judge.gpu_kernel_timing import Block

MOST_BYTES = 4 << 30
"""Of all sets of a burst, in each of the two processes."""


@dataclass(frozen=True)
class TrialPlan:
    blocks: int = 7
    compile: bool = True
    host_process: int | None = None
    share: bool | None = None
    """Whether judge and host see the same memory. None: on a GPU, if it can be done."""
    most_bytes: int = MOST_BYTES


@dataclass
class Found:
    """What a workload took. Seconds for one call; medians of the blocks that count."""

    uuid: str
    calls: int
    seconds: float
    event_seconds: float
    eager_seconds: float
    compiled_seconds: float | None
    baseline: float
    light: float
    score: float
    relative_error: float
    largest_error: float
    outer_all: list[float]
    event_all: list[float]
    eager_all: list[float]
    compiled_all: list[float]
    raw_all: list[float]
    """On the judge's clock with asking and taking."""
    price: float
    """Seconds that asking for a burst and taking its outputs costs, measured before the candidate was loaded."""
    quiet_seconds: float | None = None
    """Of the reference, the better of both ways, before the candidate was loaded."""
    spans: dict | None = None
    """What CUPTI saw in one burst, with the other two clocks of that burst."""

    def to_json(self) -> dict:
        return asdict(self)


def conclude(
    uuid: str,
    count: int,
    blocks: list[Block],
    taken: list[Taken],
    quiet: tuple[float, float] | None,
    light: float,
    price: float,
    spans: dict | None,
) -> Found:
    """Medians of the blocks that count, and the score. `quiet`: of the reference before the candidate was loaded."""
    seconds = median(one.outer for one in blocks)
    eager = median(one.eager for one in blocks)
    compiled_all = [one.compiled for one in blocks if one.compiled is not None]
    compiled = median(compiled_all) if compiled_all else None
    baseline = eager if compiled is None else min(eager, compiled)
    if quiet is not None:
        # Who slows the baseline down gains nothing by it.
        baseline = min(baseline, quiet[1])
    return Found(
        uuid=uuid,
        calls=count,
        seconds=seconds,
        event_seconds=median(one.event for one in blocks),
        eager_seconds=eager,
        compiled_seconds=compiled,
        baseline=baseline,
        light=light,
        score=timing.score(seconds, baseline, light),
        relative_error=max(one.relative for one in taken),
        largest_error=max(one.largest for one in taken),
        outer_all=[one.outer for one in blocks],
        event_all=[one.event for one in blocks],
        eager_all=[one.eager for one in blocks],
        compiled_all=compiled_all,
        raw_all=[one.raw for one in blocks],
        price=price,
        quiet_seconds=None if quiet is None else quiet[1],
        spans=spans,
    )


def refuse_times(
    found: Found, blocks: list[Block], quiet: tuple[float, float] | None, device: str, note: Callable[[str, str], None]
) -> None:
    """Raises Refusal when the clocks disagree, a time is faster than light, or the baseline was slowed."""
    if device != "cuda":
        for check in ("gpu-kernel-clock", "gpu-kernel-baseline", "gpu-kernel-floor"):
            note(check, "not looked at: there is no GPU, and times of a shared CPU say little")
        return
    agree, words = timing.clocks_agree(blocks, found.calls)
    if not agree:
        raise Refusal("gpu-kernel-clock", f"the clocks disagree: {words}", suspected=True)
    agree, more = timing.spans_agree(found.spans)
    if not agree:
        raise Refusal("gpu-kernel-clock", f"the clocks disagree: {more}", suspected=True)
    note("gpu-kernel-clock", f"{words}; {more}")
    words = f"{found.seconds * 1e6:.1f} us, T_SOL {found.light * 1e6:.1f} us"
    if found.seconds < timing.FLOOR_SHARE * found.light:
        raise Refusal("gpu-kernel-floor", f"faster than the memory and the units of this device: {words}", True)
    note("gpu-kernel-floor", words)
    if quiet is not None:
        before = quiet[0]
        words = f"eager {found.eager_seconds * 1e6:.1f} us beside the candidate, {before * 1e6:.1f} us before"
        if found.eager_seconds * found.calls > timing.SLOWED * before * found.calls + 5e-4:
            raise Refusal("gpu-kernel-baseline", f"the baseline was slowed: {words}", suspected=True)
        note("gpu-kernel-baseline", words)
