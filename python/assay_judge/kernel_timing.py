"""What the times of a trial say: the metric, and whether they can be true."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from statistics import median

import numpy as np

from assay_judge import kernel_protocol as protocol
from assay_judge.kernel_area import Area
from assay_judge.kernel_peer import KernelPeer, Reply
from assay_judge.kernel_problems import Generator, Problem, Sizes
from assay_judge.kernel_reference import Reference
from assay_judge.kernel_trial import Record
from assay_judge.kernel_verify import make_poison

MOST_OVERHEAD_NS = 3e4
LEAST_SHARE = 0.75
"""Of a call's wall time that counts at least, however much the asking took."""
PRICE_QUANTILE = 0.1
"""Of the rehearsals: a price that hardly anybody beats, so that nobody gains by asking less."""
FREE_KNOCK_NS = 2e5
FREE_KNOCKS = 2.0
"""What the empty call before a call may take: the nanoseconds, or this many times the slowest tenth of the rehearsals,
if the machine is busy. More counts as time of the call, because its inputs are there already."""
LEAST_PRICE_SHARE = 0.5
"""No call takes less than this share of the smallest price of asking in the rehearsals."""
FLOOR_SHARE = 0.5
"""A call that takes less than this share of the physical floor was not made."""
REPEAT_SHARE = 0.35
"""A repeated input that takes less than this share of a fresh one was looked up."""
LATE_FACTOR = 5.0
"""How much faster than the early calls the late ones may be."""
SHAPE_FACTOR = 12.0
"""How much slower, against the reference, the secret sizes may be than the declared ones."""
LOAD_SECONDS = 0.4
LOAD_CPU_SECONDS = 0.05
SLOWED_FACTOR = 1.5
"""How much CPU time the reference may take more beside the calls, and right after them, than before and at the end."""
SLOWED_QUANTILE = 0.25
LEAST_HIDDEN_NS = 2e5
HIDDEN_SHARE = 0.4
"""Of a call's time on the judge's clock that the host may not own up to, in nearly every call. Less than the
nanoseconds above says nothing."""
NS = 1e9
COUNTED = ("declared", "hidden")

TimingCheck = tuple[str, bool, str, bool]
"""Id, whether it is ok, detail, and whether a failure is suspicious."""


@dataclass(frozen=True)
class Price:
    """What asking adds to a call, in nanoseconds, measured before anything of the candidate's was loaded."""

    low_ns: float
    """Subtracted from every call."""
    least_ns: float
    slow_knock_ns: float
    """What the slowest tenth of the empty calls before them took at least."""

    @property
    def free_knock_ns(self) -> float:
        return max(FREE_KNOCK_NS, FREE_KNOCKS * self.slow_knock_ns)


@dataclass
class Surroundings:
    """What was measured beside the calls. Times in nanoseconds."""

    price: Price
    load: Reply
    usage_before: Reply
    usage_after: Reply
    quiet_ns: dict[str, float]
    """CPU time of the reference on one input of each kernel while no candidate was loaded."""
    beside_ns: dict[str, float]
    """The same while the candidate was."""
    copy_bytes_per_ns: float
    flops_per_ns: float
    requests: int


@dataclass
class Quiet:
    """Times the reference on the same inputs at several moments, to notice a candidate that slows it down."""

    reference: Reference
    generator: Generator
    problems: tuple[Problem, ...]

    def __post_init__(self) -> None:
        self._inputs = {one.name: one.draw(self.generator, "normal", one.declared[0]) for one in self.problems}

    def measure(self, times: int = 5) -> dict[str, float]:
        found = {}
        for problem in self.problems:
            sizes = problem.declared[0]
            poison, _ = make_poison(self.generator, int(np.prod(problem.output_shape(sizes))))
            runs = [self.reference.run(problem, sizes, self._inputs[problem.name], poison) for _ in range(times)]
            found[problem.name] = min(run.cpu_ns for run in runs)
        return found


def measure_overhead(
    peer: KernelPeer,
    area: Area,
    reference: Reference,
    generator: Generator,
    problems: tuple[Problem, ...],
    rounds: int = 8,
) -> Price:
    """What asking adds to a call, while nothing of the candidate's is loaded.

    Each round does all that a call does, and the host copies as much as a call reads and writes instead of calling: so
    both processes find the caches as they will find them later. Only now can the host's own time be believed.
    """
    found, knocks = [], []
    for turn in range(rounds * len(problems)):
        problem = problems[turn % len(problems)]
        sizes = problem.declared[0]
        inputs = problem.draw(generator, "normal", sizes)
        poison, _ = make_poison(generator, int(np.prod(problem.output_shape(sizes))))
        lengths = [*(array.nbytes for array in inputs), poison.nbytes]
        layout = area.layout_for(turn % len(area.bays), lengths)
        area.check(layout.bay)
        area.lay(layout, inputs, poison)
        moved = min(sum(lengths[:-1]), lengths[-1])
        reply = peer.ask(protocol.CALL, protocol.STAND_IN, (moved,), (layout.starts[0], layout.starts[-1]))
        area.sample(layout)
        area.take(layout)
        found.append(reply.wall_ns - reply.claimed_wall_ns)
        knocks.append(reply.knock_ns)
        reference.run(problem, sizes, inputs, poison)
        problem.exact(inputs)
    # A machine that is busy now must not make every later call look shorter.
    later = found[len(problems) :]
    low = min(float(np.quantile(later, PRICE_QUANTILE)), MOST_OVERHEAD_NS)
    return Price(low, float(min(later)), float(np.quantile(knocks, 0.9)))


def measure_machine() -> tuple[float, float]:
    """Bytes copied (read and written) and float32 operations of a matrix product per nanosecond, at best."""
    source = np.ones(1 << 18, np.float32)
    target = np.empty_like(source)
    a = np.ones((256, 256), np.float32)
    copy = matmul = math.inf
    for _ in range(12):
        started = time.thread_time_ns()
        np.copyto(target, source)
        copy = min(copy, max(1, time.thread_time_ns() - started))
    for _ in range(6):
        started = time.thread_time_ns()
        np.matmul(a, a)
        matmul = min(matmul, max(1, time.thread_time_ns() - started))
    return 2 * source.nbytes / copy, 2 * 256**3 / matmul


def typical_log(ratios: list[float]) -> float:
    """Mean logarithm of the fastest third. What else the machine does only adds time, often to half of the calls."""
    chosen = sorted(ratios)[: -(-len(ratios) // 3)]
    return sum(math.log(one) for one in chosen) / len(chosen)


def net_ns(record: Record, price: Price) -> float:
    late_ns = max(0.0, record.knock_ns - price.free_knock_ns)
    return max(record.wall_ns - price.low_ns, LEAST_SHARE * record.wall_ns) + late_ns


def ratio_of(record: Record, price: Price) -> float:
    """The candidate's time over the reference's on the same inputs."""
    return net_ns(record, price) / max(1, record.reference.cpu_ns)


def metrics_of(records: list[Record], around: Surroundings) -> tuple[float, dict[str, float]]:
    """The metric and all numbers beside it. Declared and secret sizes weigh the same."""
    metrics: dict[str, float] = {}
    logs, spreads, hidden_logs = [], [], []
    for name in kernels_of(records):
        both = []
        for kind in ("declared", "hidden"):
            ratios = ratios_of(records, name, (kind,), around.price)
            both.append(typical_log(ratios))
            middle = median(ratios)
            spreads.append(1.4826 * median(abs(one - middle) for one in ratios) / middle)
        metrics[f"{name}_ratio"] = math.exp(sum(both) / 2)
        logs.append(sum(both) / 2)
        hidden_logs.append(both[1])
        counted = [record for record in records if record.call.problem.name == name and record.call.kind == "declared"]
        metrics[f"{name}_us"] = median(net_ns(record, around.price) for record in counted) / 1e3
        metrics[f"{name}_reference_us"] = median(record.reference.cpu_ns for record in counted) / 1e3
    metrics["hidden_ratio"] = math.exp(sum(hidden_logs) / len(hidden_logs))
    metrics["spread"] = median(spreads)
    metrics["pipe_overhead_us"] = around.price.low_ns / 1e3
    metrics["knock_us"] = median(one.knock_ns for one in records) / 1e3
    metrics["contention"] = median(one.reference.wall_ns / max(1, one.reference.cpu_ns) for one in records)
    metrics["calls"] = len(records)
    metrics["worst_error_share"] = max(record.verdict.share for record in records)
    return math.exp(sum(logs) / len(logs)), metrics


def kernels_of(records: list[Record]) -> list[str]:
    return list(dict.fromkeys(record.call.problem.name for record in records if record.call.counts))


def ratios_of(records: list[Record], name: str, kinds: tuple[str, ...], price: Price) -> list[float]:
    """In the order of the calls."""
    return [ratio_of(record, price) for record in records_of(records, name, kinds)]


def bare_ratios_of(records: list[Record], name: str, kinds: tuple[str, ...]) -> list[float]:
    """The same, but nothing subtracted or added."""
    return [record.wall_ns / max(1, record.reference.cpu_ns) for record in records_of(records, name, kinds)]


def wall_ratios_of(records: list[Record], name: str, kinds: tuple[str, ...]) -> list[float]:
    """Wall time over wall time, nothing subtracted: what else the machine does weighs on both sides alike."""
    return [record.wall_ns / max(1, record.reference.wall_ns) for record in records_of(records, name, kinds)]


def records_of(records: list[Record], name: str, kinds: tuple[str, ...]) -> list[Record]:
    return [record for record in records if record.call.problem.name == name and record.call.kind in kinds]


def timing_checks(records: list[Record], around: Surroundings) -> list[TimingCheck]:
    return [
        repeats_check(records),
        order_check(records),
        shapes_check(records),
        roofline_check(records, around),
        clock_check(records, around),
    ]


def repeats_check(records: list[Record]) -> TimingCheck:
    """Repeated inputs must take about as long as the fastest fresh ones."""
    shares = {}
    for name in kernels_of(records):
        again = bare_ratios_of(records, name, ("repeat", "anchor"))
        shares[name] = float(np.quantile(again, 0.75)) / min(bare_ratios_of(records, name, COUNTED))
    least = min(shares, key=lambda name: shares[name])
    detail = (
        f"{least}: repeated inputs take {shares[least]:.2f} of the time of the fastest fresh ones, "
        f"at least {REPEAT_SHARE} is honest"
    )
    return "kernel-fresh", shares[least] >= REPEAT_SHARE, detail, True


def order_check(records: list[Record]) -> TimingCheck:
    """Not even the fastest of the early calls may be much slower than late ones."""
    factors = {}
    for name in kernels_of(records):
        ratios = wall_ratios_of(records, name, COUNTED)
        half = len(ratios) // 2
        factors[name] = min(ratios[:half]) / median(ratios[half:])
    most = max(factors, key=lambda name: factors[name])
    detail = (
        f"{most}: the fastest early call takes {factors[most]:.2f} of the time of late ones, "
        f"at most {LATE_FACTOR:g} is honest"
    )
    return "kernel-order", factors[most] <= LATE_FACTOR, detail, True


def shapes_check(records: list[Record]) -> TimingCheck:
    """Not even the fastest call at secret sizes may be much slower, for its work, than those at declared ones."""
    factors = {
        name: min(wall_ratios_of(records, name, ("hidden",))) / median(wall_ratios_of(records, name, ("declared",)))
        for name in kernels_of(records)
    }
    most = max(factors, key=lambda name: factors[name])
    detail = (
        f"{most}: against the reference, the fastest call at secret sizes takes {factors[most]:.2f} of the time "
        f"at declared ones, allowed {SHAPE_FACTOR:g}"
    )
    return "kernel-shapes", factors[most] <= SHAPE_FACTOR, detail, False


def floor_ns(problem: Problem, sizes: Sizes, around: Surroundings) -> float:
    """Nanoseconds that moving the data or multiplying takes at the speed measured here."""
    return max(
        problem.bytes_moved(sizes) / around.copy_bytes_per_ns,
        problem.flops(sizes) / around.flops_per_ns,
    )


def roofline_check(records: list[Record], around: Surroundings) -> TimingCheck:
    lowest, words = math.inf, "no call"
    for name in kernels_of(records):
        chosen = [record for record in records if record.call.problem.name == name and record.call.counts]
        share = median(
            net_ns(record, around.price) / floor_ns(record.call.problem, record.call.sizes, around) for record in chosen
        )
        if share < lowest:
            lowest, words = share, name
    detail = (
        f"{words} takes {lowest:.2f} of the physical floor of this machine ({around.copy_bytes_per_ns:.1f} bytes "
        f"and {around.flops_per_ns:.1f} operations per ns), at least {FLOOR_SHARE} is possible"
    )
    return "roofline", lowest >= FLOOR_SHARE, detail, True


def slowed_factor(records: list[Record], around: Surroundings) -> float:
    """CPU time of the reference beside the candidate's calls over that in quiet, the larger of two ways to look."""
    beside = []
    for name, quiet_ns in around.quiet_ns.items():
        runs = [
            record.reference.cpu_ns
            for record in records_of(records, name, ("declared",))
            if record.call.sizes == record.call.problem.declared[0]
        ]
        beside.append(float(np.quantile(runs, SLOWED_QUANTILE)) / quiet_ns)
    after = median(around.beside_ns[name] / around.quiet_ns[name] for name in around.quiet_ns)
    return max(median(beside), after)


def clock_check(records: list[Record], around: Surroundings) -> TimingCheck:
    """The host's own times against the judge's, loading, CPU time, threads, and a reference that nobody slowed down."""
    over = max(record.claimed_wall_ns - record.wall_ns for record in records)
    # A clock that runs slow is slow in every call; waiting for a busy machine falls between the two clocks in some.
    counted = [record for record in records if record.call.counts]
    hidden_ns = float(np.quantile([one.wall_ns - around.price.low_ns - one.claimed_wall_ns for one in counted], 0.05))
    hidden = hidden_ns / median(one.wall_ns for one in counted)
    calls_ns = sum(record.wall_ns for record in records)
    used_ns = around.usage_after.claimed_cpu_ns - around.usage_before.claimed_cpu_ns
    allowed_ns = 1.25 * calls_ns + 3e5 * around.requests + 0.05 * NS
    threads = max(around.usage_before.claimed_wall_ns, around.usage_after.claimed_wall_ns)
    numbers = around.usage_before.text, around.usage_after.text
    started = int(numbers[1]) - int(numbers[0]) if all(one.isdecimal() for one in numbers) else 0
    slowed = slowed_factor(records, around)
    least_ns = min(record.wall_ns for record in records)
    load_s, load_cpu_s = around.load.wall_ns / NS, around.load.claimed_cpu_ns / NS
    found = [
        (over <= 1000, "the host's clock shows more time than passed"),
        (hidden <= HIDDEN_SHARE or hidden_ns <= LEAST_HIDDEN_NS, "the host's clock shows less time than passed"),
        (load_s <= LOAD_SECONDS and load_cpu_s <= LOAD_CPU_SECONDS, "loading the library does work"),
        (used_ns <= allowed_ns, "the host worked while no call ran"),
        (threads == 1 and not started, "the library starts threads or processes"),
        (least_ns >= LEAST_PRICE_SHARE * around.price.least_ns, "a call took less than asking does"),
        (slowed <= SLOWED_FACTOR, "the reference is slower while the candidate is loaded"),
    ]
    wrong = [words for ok, words in found if not ok]
    detail = (
        f"{'; '.join(wrong) + '. ' if wrong else ''}Time that the host does not own up to: {hidden:.1%} of a call; "
        f"load {load_s * 1e3:.1f} ms ({load_cpu_s * 1e3:.1f} ms CPU); CPU {used_ns / NS:.3f} s of "
        f"{allowed_ns / NS:.3f} s allowed; {threads} thread{'s' if threads != 1 else ''}, "
        f"{started} started; shortest call {least_ns / 1e3:.1f} us, asking alone "
        f"{around.price.least_ns / 1e3:.1f} us; "
        f"reference x{slowed:.2f}"
    )
    return "kernel-clock", not wrong, detail, True
