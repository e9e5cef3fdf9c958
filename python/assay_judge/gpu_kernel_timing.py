"""What times say: the score, its floor, the ceilings it is made of, and whether the clocks agree."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from statistics import median

import torch

from assay_judge.gpu_kernel_schema import Axes, Problem

FLOOR_SHARE = 0.9
"""A time below this share of T_SOL is a finding. Ceilings that are measured again differ by some percent."""
CLOCK_SHARE = 0.4
CLOCK_SECONDS = 2e-4
"""How far the event clock that the host claims may be below the judge's: this share of it and this much."""
SPANS_SHARE = 0.5
"""The same of CUPTI's spans, of one burst that is slower for being traced."""
LEAST_SHARE = 0.25
"""Of a burst's time that counts at least, however much asking and taking took: half, of a copy as fast as light."""
EARLY_SHARE = 1.1
EARLY_SECONDS = 1e-4
"""What making a burst ready may take: so many times the most that it took before the candidate was loaded, and this."""
SLOWED = 1.6
"""How much slower the baseline may be beside a loaded candidate than before it was loaded."""


@dataclass(frozen=True)
class Ceilings:
    """What this device reached at best, measured: bytes (read and written) and operations a second."""

    bytes: float
    fp32: float
    fp16: float
    bf16: float
    fp8: float

    def to_json(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Block:
    """One timed burst of the candidate between two of the baseline. Seconds, for one call each."""

    outer: float
    """On the judge's clock, less the price of asking and taking."""
    event: float
    """As the host claims it."""
    eager: float
    compiled: float | None
    raw: float
    """On the judge's clock, all of it."""


def best_of(work, count: int, device: str) -> float:
    """Seconds of the fastest of some turns of `work`."""
    found = []
    for _ in range(count):
        _wait(device)
        started = time.perf_counter()
        work()
        _wait(device)
        found.append(time.perf_counter() - started)
    return min(found)


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def measure_ceilings(device: str) -> Ceilings:
    """About a second on a GPU. The clocks of the card stay as they are."""
    on_gpu = device == "cuda"
    turns = 8

    def repeated(work):
        return lambda: [work() for _ in range(turns)]

    source = torch.zeros(1 << (29 if on_gpu else 22), dtype=torch.int32, device=device)
    target = torch.empty_like(source)
    rows = source.view(-1, 4096)
    copy = turns * 2 * source.nbytes / best_of(repeated(lambda: target.copy_(source)), 4, device)
    # A kernel that mostly reads or mostly writes may be faster than one that copies.
    write = turns * source.nbytes / best_of(repeated(lambda: target.fill_(3)), 4, device)
    read = turns * source.nbytes / best_of(repeated(lambda: torch.amax(rows, 1)), 4, device)
    size = 8192 if on_gpu else 256

    def product(dtype: torch.dtype, side: int) -> float:
        a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        return turns * 2 * side**3 / best_of(repeated(lambda: a @ b), 4, device)

    bf16 = product(torch.bfloat16, size)
    return Ceilings(
        bytes=max(copy, write, read),
        fp32=product(torch.float32, size // 2),
        fp16=product(torch.float16, size),
        bf16=bf16,
        fp8=_float8(size, device, turns) if on_gpu and torch.cuda.get_device_capability() >= (8, 9) else bf16,
    )


def _float8(size: int, device: str, turns: int) -> float:
    a, b = (torch.randn(size, size, device=device).to(torch.float8_e4m3fn) for _ in range(2))
    one = torch.ones((), device=device)

    def work():
        for _ in range(turns):
            torch._scaled_mm(a, b.t(), scale_a=one, scale_b=one, out_dtype=torch.bfloat16, use_fast_accum=True)

    return turns * 2 * size**3 / best_of(work, 4, device)


def speed_of_light(problem: Problem, axes: Axes, ceilings: Ceilings) -> float:
    """T_SOL in seconds: the longer of moving the bytes and doing the operations, each at its measured ceiling."""
    rate = getattr(ceilings, problem.cost.unit)
    return max(problem.bytes(axes) / ceilings.bytes, problem.operations(axes) / rate)


def achieved(problem: Problem, axes: Axes, seconds: float, ceilings: Ceilings, turn: int) -> dict[str, float]:
    """What a call of `seconds` reached of both ceilings: the larger share says what bounds it, and how far it is."""
    moved, done = problem.bytes(axes) / seconds, problem.operations(axes) / seconds
    rate = getattr(ceilings, problem.cost.unit)
    shares = {f"bandwidth_share_{turn}": moved / ceilings.bytes, f"rate_share_{turn}": done / rate}
    return {f"bandwidth_{turn}": moved, f"rate_{turn}": done} | shares


def score(seconds: float, baseline: float, light: float) -> float:
    """sol_score_local: 0.5 at the baseline, 1 at T_SOL, kept in [0, 1].

    S = 1 / (1 + (T_k - T_SOL) / (T_b - T_SOL)), as in the paper of SOL-ExecBench (2603.19173), there without bounds.
    """
    room = max(baseline - light, 0.01 * light)
    return min(1.0, max(0.0, 1.0 / (1.0 + max(0.0, seconds - light) / room)))


def net_seconds(outer: float, price: float, event: float = 0.0) -> float:
    """A burst without what asking for it and taking its outputs costs.

    What the host's events say can only make it longer: a price that was measured too high gains nobody anything.
    """
    return min(outer, max(outer - price, LEAST_SHARE * outer, event))


def early_seconds(ready: float, before: float) -> float:
    """Work that was done while a burst was made ready: it counts as the burst's. `before`: the most without it."""
    return max(0.0, ready - EARLY_SHARE * before - EARLY_SECONDS)


def spans_agree(spans: dict | None) -> tuple[bool, str]:
    """Whether the third clock, CUPTI's, tells about what the other two do of the same burst. It is a claim, too."""
    if spans is None:
        return True, "no third clock here"
    try:
        span, outer, event = float(spans["span"]), float(spans["outer"]), float(spans["event"])
        if spans.get("started") != 0 or spans.get("error") or spans.get("lost") or span == 0:
            return True, f"no third clock: {str({one: spans.get(one) for one in ('started', 'error', 'lost')})[:100]}"
    except (KeyError, TypeError, ValueError):
        return False, "what the host says of its spans is no number"
    words = f"spans of a traced burst {span * 1e3:.3f} ms, {outer * 1e3:.3f} ms outside, {event * 1e3:.3f} ms of events"
    # Tracing costs the host time, not the device: a span may be shorter than what is outside, never longer.
    is_short = span < outer * (1 - SPANS_SHARE) - 2.5 * CLOCK_SECONDS
    return span <= outer * 1.1 + CLOCK_SECONDS and not is_short, words


def clocks_agree(blocks: list[Block], count: int) -> tuple[bool, str]:
    """Whether the host's event clock tells about what the judge's does. `count`: calls in a burst.

    The events lie between the question and its answer, so they are never further apart than all of the judge's time.
    """
    outer = median(one.outer for one in blocks) * count
    event = median(one.event for one in blocks) * count
    raw = median(one.raw for one in blocks) * count
    low = outer * (1 - CLOCK_SHARE) - CLOCK_SECONDS
    high = raw * 1.02 + CLOCK_SECONDS / 4
    words = f"burst of {count}: {outer * 1e3:.3f} ms outside ({raw * 1e3:.3f} with asking and taking), "
    words += f"{event * 1e3:.3f} ms between the host's events"
    return low <= event <= high, words
