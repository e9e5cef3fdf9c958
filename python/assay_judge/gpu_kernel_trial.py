"""Makes the bursts of a trial: fresh secret sets, candidate and baseline in turns, every burst verified."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from assay_judge import gpu_kernel_inputs as sampler
from assay_judge import gpu_kernel_protocol as protocol
from assay_judge import gpu_kernel_timing as timing
from assay_judge.gpu_kernel_census import threads_and_children, work_clock
from assay_judge.gpu_kernel_found import Found, TrialPlan, conclude, refuse_times
from assay_judge.gpu_kernel_inputs import Change, Inputs
from assay_judge.gpu_kernel_outputs import Refusal, Taken, check_outputs
from assay_judge.gpu_kernel_protocol import GpuKernelPeer, number_of
from assay_judge.gpu_kernel_reference import Reference
from assay_judge.gpu_kernel_schema import Axes, Problem, Workload
from assay_judge.gpu_kernel_sets import AreaFile, Sets, bits_of, burst, flush
from assay_judge.gpu_kernel_shared import SharedSets, scalars_of
from assay_judge.gpu_kernel_timing import Block, Ceilings
from assay_judge.protocol import HostFailure

WARM_UPS = 2
"""Blocks that do not count; from outside they are like all others."""
BURST_SECONDS = 3e-3
"""How long a burst should take at the speed of light, so that the price of asking is small."""
MOST_SETS = 64
AREA_BYTES = 16 << 30
"""Of the exchange file, most of it never written."""
SAMPLED_SETS = 8
SAMPLED_PLACES = 48
TIMED_PLACES = 16
PRICES = 9
"""Bursts by which the price of a burst is measured."""
LARGE_OUTPUT = 128 << 20

Note = Callable[[str, str], None]


SPANS_TURN = 1
"""The burst that is traced: a warm-up after everything was compiled. Tracing costs time."""


class Trial:
    def __init__(
        self,
        problem: Problem,
        peer: GpuKernelPeer,
        exchange: Path,
        device: str,
        ceilings: Ceilings,
        plan: TrialPlan,
        note: Note,
        reference: Reference | None = None,
    ) -> None:
        self.problem, self.peer, self.device = problem, peer, device
        self._prices: dict[str, float] = {}
        """Seconds of a burst that lie outside of its calls, by workload."""
        self._ready: dict[str, float] = {}
        """What making the host's sets ready takes at most, by workload."""
        self._exchange, self._ceilings, self._plan, self._note = exchange, ceilings, plan, note
        self._reference = reference or Reference(problem.definition)
        self._random = random.Random()
        self._area: AreaFile | None = None
        self._calls = self._elements = self._planted = 0
        self._worst = 0.0
        self._shared = SharedSets(device)
        self._has_spans = False
        self._spans: dict | None = None
        self._previous: tuple[list[Inputs], list[dict]] | None = None
        self.served = 0
        self.changed: set[str] = set()

    def open(self, generator: random.Random, workloads: tuple[Workload, ...] = ()) -> None:
        """Before anything of the candidate's is loaded: the exchange."""
        self._random = generator
        self._area = AreaFile(str(self._exchange / protocol.AREA_FILE), AREA_BYTES)
        self._has_spans = self._greet(workloads).get("spans") is True

    def load(self, digest: str) -> None:
        self.peer.doing = "while the solution was loaded"
        if self.peer.ask(protocol.LOAD).get("digest") != digest:
            raise Refusal("gpu-kernel-sources", "what the host loaded is not the solution", suspected=True)

    def close(self) -> None:
        if self._area is not None:
            self._area.close()

    @property
    def transport(self) -> str:
        """How tensors travel: shared memory of one kind or the other, or the exchange file and why."""
        return self._shared.transport

    def _greet(self, workloads: tuple[Workload, ...]) -> dict:
        """Finds out whether host and judge can see the same memory. The host's reply."""
        wanted = self.device == "cuda" if self._plan.share is None else self._plan.share
        if wanted and workloads:
            axes = [self.problem.definition.resolve(one.axes) for one in workloads]
            self._shared.make(max(Sets.size(*self._sized(one), self._sets_of(one)) for one in axes))
        reply = self.peer.ask(protocol.OPEN, share=self._shared.greet())
        self._shared.hear(reply)
        return reply

    def quiet(self, workload: Workload) -> tuple[float, float] | None:
        """What is measured while no candidate is loaded: the price of a burst, and on a GPU the reference.

        Seconds of one call of the reference: eager, and the better of both ways.
        """
        axes = self.problem.definition.resolve(workload.axes)
        sets = self._make_sets(self._sets_of(axes), axes)
        bases, plan, _ = self._draw(workload, axes, sets.count)
        order = list(range(sets.count))
        sets.set_up(bases, plan)
        self._shared.prepare(self._sized(axes), sets.count, sets)
        self._prices[workload.uuid], self._ready[workload.uuid] = self._price(axes, sets, bases, plan)
        self._shared.drop()
        if self.device != "cuda":
            return None
        self._baseline(sets, order)
        found = []
        for _ in range(3):
            flush(self.device)
            found.append(self._baseline(sets, order))
        eager = median(one[0] for one in found)
        best = min([eager] + ([median(one[1] for one in found)] if self._plan.compile else []))
        return eager / sets.count, best / sets.count

    def _price(self, axes: Axes, sets: Sets, bases: list[Inputs], plan: list[dict]) -> tuple[float, float]:
        """Seconds of a burst around its calls: asking, the device's change between the two processes, taking.
        And the most that making the sets ready took: what it takes beyond that later is the candidate's.

        The host has loaded nothing yet, so it makes calls of its own that write every output, and its events are true.
        """
        self._shape_host(axes, sets.count)
        if self._shared.theirs is None:
            self._lay(bases)
        prices, ready = [], []
        for _ in range(PRICES):
            order, asked = self._order(sets)
            ready.append(self._set_up_host(sets, plan))
            outer, reply, _ = self._timed(order, asked, with_spans=False)
            prices.append(max(0.0, outer - number_of(reply, "event")))
        # The low end: a machine that is busy now must not make later calls look shorter.
        return sorted(prices)[PRICES // 4], max(ready[1:])

    def judge_workload(self, workload: Workload, quiet: tuple[float, float] | None) -> Found:
        """Raises Refusal or HostFailure."""
        axes = self.problem.definition.resolve(workload.axes)
        count = self._sets_of(axes)
        sets = self._make_sets(count, axes)
        bases, plan, _ = self._draw(workload, axes, count)
        sets.set_up(bases, plan)
        self._shared.prepare(self._sized(axes), count, sets)
        del bases
        self._spans = None
        self._shape_host(axes, count)
        if self._shared.theirs is None and self._area.size < self._carried(axes):
            raise RuntimeError(f"a file of {self._area.size} bytes does not hold the tensors of {workload.axes}")
        blocks: list[Block] = []
        taken: list[Taken] = []
        threads: set[str] = set()
        for turn in range(self._plan.blocks):
            self.peer.doing = f"in burst {turn + 1} of workload {workload.axes}"
            spans = turn == SPANS_TURN and self._has_spans
            blocks.append(self._block(workload, axes, sets, turn % 4 in (0, 3), taken, spans))
            taken[:-1] = [one.numbers_only() for one in taken[:-1]]
            threads = self._census(threads, is_first=turn == 0)
        counted = blocks[min(WARM_UPS, len(blocks) - 1) :]
        light = timing.speed_of_light(self.problem, axes, self._ceilings)
        price = self._prices[workload.uuid]
        found = conclude(workload.uuid, count, counted, taken, quiet, light, price, self._spans)
        self._shared.drop()
        self._previous = None
        taken.clear()
        refuse_times(found, counted, quiet, self.device, self._note)
        del sets
        if self.device == "cuda":
            torch.cuda.empty_cache()
        return found

    def baselines(self, workload: Workload, generator: random.Random) -> dict:
        """Times of the reference alone, with no candidate: T_b, T_SOL, and what they were made from."""
        self._random = generator
        axes = self.problem.definition.resolve(workload.axes)
        sets = self._make_sets(self._sets_of(axes), axes)
        order = list(range(sets.count))
        found = []
        bases, plan, _ = self._draw(workload, axes, sets.count)
        sets.set_up(bases, plan)
        for _ in range(self._plan.blocks):
            flush(self.device)
            found.append(self._baseline(sets, order))
        counted = found[min(WARM_UPS, len(found) - 1) :]
        eager = median(one[0] for one in counted) / sets.count
        compiled = median(one[1] for one in counted) / sets.count if self._plan.compile else eager
        light, best = timing.speed_of_light(self.problem, axes, self._ceilings), min(eager, compiled)
        return {
            "uuid": workload.uuid,
            "axes": workload.axes,
            "calls": sets.count,
            "bytes": self.problem.bytes(axes),
            "operations": self.problem.operations(axes),
            "eager_us": eager * 1e6,
            "compiled_us": compiled * 1e6,
            "baseline_us": best * 1e6,
            "light_us": light * 1e6,
            "score_of_eager": timing.score(eager, best, light),
            "score_of_best": timing.score(best, best, light),
            "faster_than_light": best < timing.FLOOR_SHARE * light,
        }

    def serve_only(self, workload: Workload, axes: Axes) -> None:
        """Gives the host content once, for bursts that nobody verifies: to measure the clock itself."""
        self.served = self._sets_of(axes)
        self._shape_host(axes, self.served)
        bases, plan, _ = self._draw(workload, axes, self.served)
        self._lay(bases)
        self.peer.ask(protocol.SET_UP, sets=plan)

    def time_once(self, order: list[int]) -> tuple[float, float]:
        """Seconds of a whole burst on the judge's clock and between the host's events."""
        started = time.perf_counter()
        reply = self.peer.ask(protocol.GO, order=order)
        return time.perf_counter() - started, number_of(reply, "event")

    # --- one burst

    def _block(
        self,
        workload: Workload,
        axes: Axes,
        sets: Sets,
        candidate_first: bool,
        taken: list[Taken],
        with_spans: bool = False,
    ) -> Block:
        bases, plan, probe = self._draw(workload, axes, sets.count)
        if self._shared.theirs is None:
            self._lay(bases)
        sets.set_up(bases, plan)
        order, asked = self._order(sets)
        baseline = None if candidate_first else self._baseline(sets, order)
        ready = self._set_up_host(sets, plan)
        outer, reply, bits = self._timed(order, asked, with_spans)
        if self._shared.theirs is not None:
            asked = []
        event = number_of(reply, "event")
        if reply.get("kinds"):
            words = f"what was returned is {str(reply['kinds'])[:120]}"
            raise Refusal("gpu-kernel-shape", words, suspected="Tensor [" not in str(reply["kinds"]))
        one = self._verify(axes, sets, bases, plan, probe, asked, bits)
        taken.append(one)
        baseline = baseline or self._baseline(sets, order)
        self._calls += sets.count
        net = timing.net_seconds(outer, self._prices[workload.uuid], event)
        if with_spans and isinstance(reply.get("spans"), dict):
            self._spans = reply["spans"] | {"outer": net, "event": event, "calls": sets.count}
        early = timing.early_seconds(ready, self._ready[workload.uuid])
        compiled = None if baseline[1] is None else baseline[1] / sets.count
        return Block(*(one / sets.count for one in (net + early, event, baseline[0])), compiled, outer / sets.count)

    def _order(self, sets: Sets) -> tuple[list[int], list[list]]:
        """In which order the sets of a burst are called, and the elements that are asked for while the clock runs."""
        order = self._random.sample(range(sets.count), sets.count)
        timed = [(order[-1 - turn % sets.count], turn % len(sets.outputs[0])) for turn in range(4)]
        return order, [[one, which, self._places(sets.outputs[one][which], TIMED_PLACES)] for one, which in timed]

    def _timed(self, order: list[int], asked: list[list], with_spans: bool) -> tuple[float, dict, object]:
        """One burst on the judge's clock: its seconds, the host's reply, and the bits of what was asked for.

        What is asked for becomes known after the calls; the clock stops when the answers are here. In shared memory all
        outputs are taken instead.
        """
        bits: object = []
        started = time.perf_counter()
        reply = self.peer.ask(protocol.GO, order=order, spans=with_spans)
        if self._shared.theirs is not None:
            self._shared.take(order)
        else:
            bits = self.peer.ask(protocol.SAMPLE, at=asked).get("bits")
        return time.perf_counter() - started, reply, bits

    def _draw(self, workload: Workload, axes: Axes, count: int) -> tuple[list[Inputs], list[dict], tuple[int, int]]:
        return sampler.draw_sets(self.problem.definition, workload, axes, self.device, self._random, count)

    def _lay(self, bases: list[Inputs]) -> None:
        place, described = 0, []
        for base in bases:
            names = {}
            for name, value in base.items():
                if isinstance(value, torch.Tensor):
                    names[name] = place
                    place = self._area.put(value, place)
                else:
                    names[name] = value
            described.append(names)
        self.peer.ask(protocol.LAY, bases=described)

    def _baseline(self, sets: Sets, order: list[int]) -> tuple[float, float | None]:
        """Seconds of the whole burst by the eager and by the compiled reference."""
        names = [one.name for one in self.problem.definition.inputs]
        arguments = [[inputs[name] for name in names] for inputs in sets.inputs]
        eager = burst(lambda one: self._reference.run(*arguments[one]), order, self.device)[1]
        if not self._plan.compile:
            return eager, None
        compiled = self._reference.compiled()
        return eager, burst(lambda one: compiled(*arguments[one]), order, self.device)[1]

    def _verify(
        self,
        axes: Axes,
        sets: Sets,
        bases: list[Inputs],
        plan: list[dict],
        probe: tuple[int, int],
        asked: list[list],
        bits: object,
    ) -> Taken:
        """Takes whole outputs of some sets and a few elements of others, all chosen after the calls."""
        generator, definition = self._random, self.problem.definition
        large = sum(one.nbytes(axes) for one in definition.outputs) > LARGE_OUTPUT
        last = asked[0][0] if asked else generator.randrange(sets.count)
        full = {last} if large else {last, generator.randrange(sets.count)}
        if generator.random() < 0.5 and not large:
            full.add(probe[1])
        if self._shared.theirs is not None:
            # All is at hand: two sets of which one is the other but for one element, at random places of the order.
            return self._verify_shared(axes, sets, bases, plan, probe, set(probe))
        place, items = 0, []
        for one in sorted(full):
            for which, output in enumerate(definition.outputs):
                items.append([one, "outputs", which, place])
                place += -(-output.nbytes(axes) // 4096) * 4096
        watched = generator.choice(sorted(full))
        for described in definition.inputs:
            if described.shape is not None:
                items.append([watched, "inputs", described.name, place])
                place += -(-described.nbytes(axes) // 4096) * 4096
        shapes = self.peer.ask(protocol.TAKE, items=items).get("shapes")
        others = generator.sample(range(sets.count), min(SAMPLED_SETS, sets.count))
        at = self._sampled(sets, others)
        sampled = self.peer.ask(protocol.SAMPLE, at=at).get("bits")
        self._check_inputs(items, sets)
        result = Taken(self._reference, sets, bases, plan, probe, self._area, self.device)
        result.read(items, shapes, definition, axes)
        result.timed, result.sampled = (asked, bits), (at, sampled)
        result.earlier = self._earlier()
        self._previous = (bases, plan)
        result.again = lambda: self.peer.ask(protocol.TAKE, items=items)
        result.items = items
        self._elements += check_outputs(result, definition, axes)
        self._note_outputs(result)
        return result

    def _verify_shared(
        self, axes: Axes, sets: Sets, bases: list[Inputs], plan: list[dict], probe: tuple[int, int], full: set[int]
    ) -> Taken:
        """All outputs are here: some are verified whole, some in places, and none holds poison or changes any more."""
        definition, generator = self.problem.definition, self._random
        theirs, snapshot = self._shared.theirs, self._shared.snapshot
        result = Taken(self._reference, sets, bases, plan, probe, self._area, self.device)
        keys = [(one, which) for one in sorted(full) for which in range(len(definition.outputs))]
        result.outputs = {(one, which): snapshot[one][which] for one, which in keys}
        result.earlier = self._earlier()
        self._previous = (bases, plan)
        result.later = lambda: {(one, which): theirs.outputs[one][which].clone() for one, which in keys}
        few = 3 if self.problem.footprint(axes) > LARGE_OUTPUT // 2 else SAMPLED_SETS
        others = generator.sample(range(sets.count), min(few, sets.count))
        at = self._sampled(sets, others)
        result.timed = ([], [])
        result.sampled = (at, [bits_of(snapshot[one][which], places) for one, which, places in at])
        self._shared.refuse_written(sets)
        self._note("gpu-kernel-inputs-unchanged", "every input of every call compared byte for byte")
        self._elements += check_outputs(result, definition, axes)
        self._shared.refuse_unfinished(definition)
        self._note_outputs(result)
        return result

    def _earlier(self) -> Callable[[int], Inputs] | None:
        if self._previous is None:
            return None
        bases, plan = self._previous

        def inputs(one: int) -> Inputs:
            base = bases[plan[one]["base"]]
            into = {name: torch.empty_like(it) if isinstance(it, torch.Tensor) else it for name, it in base.items()}
            sampler.apply(base, [Change.from_json(record) for record in plan[one]["changes"]], into)
            return into

        return inputs

    def _note_outputs(self, result: Taken) -> None:
        self._worst = max(self._worst, result.worst)
        self._planted += result.planted
        self._note("gpu-kernel-canary", f"{self._planted} planted wrong outputs were noticed")
        self._note("gpu-kernel-shape", "shapes and types are those of the definition")
        self._note("gpu-kernel-correct", f"{self._elements} elements of timed outputs against float64")
        self._note("gpu-kernel-precision", f"{self._worst:.2f} of the error budget used at most")
        self._note("gpu-kernel-poison", "no output held its poison after a burst")
        self._note("gpu-kernel-late-write", "what was taken while the clock ran stayed as it was")
        self._note("gpu-kernel-fresh", "each burst had content, places and an order of its own")

    def _check_inputs(self, items: list[list], sets: Sets) -> None:
        for one, kind, name, place in items:
            if kind != "inputs":
                continue
            own = sets.inputs[one][name]
            try:
                got = self._area.get(tuple(own.shape), str(own.dtype).removeprefix("torch."), place, self.device)
            except EOFError as error:
                raise HostFailure("invalid-metric", str(error)) from error
            if not torch.equal(got.view(torch.uint8), own.contiguous().view(torch.uint8)):
                raise Refusal("gpu-kernel-inputs-unchanged", f"the input {name} was written", suspected=True)
        self._note("gpu-kernel-inputs-unchanged", "inputs of one set of each burst compared byte for byte")

    def _sampled(self, sets: Sets, chosen: list[int]) -> list[list]:
        kinds = range(len(sets.outputs[0]))
        return [[one, it, self._places(sets.outputs[one][it], SAMPLED_PLACES)] for one in chosen for it in kinds]

    def _places(self, tensor: torch.Tensor, count: int) -> list[int]:
        return [self._random.randrange(tensor.numel()) for _ in range(min(count, tensor.numel()))]

    def _carried(self, axes: Axes) -> int:
        """Bytes of the exchange file that a burst may need: all bases; then three sets' outputs and one's inputs."""
        definition = self.problem.definition
        inputs = sum(one.nbytes(axes) for one in definition.inputs if one.shape is not None)
        outputs = sum(one.nbytes(axes) for one in definition.outputs)
        return max(sampler.BASES * inputs, (1 if outputs > LARGE_OUTPUT else 3) * outputs + inputs) + (1 << 16)

    # --- around it

    def _set_up_host(self, sets: Sets, plan: list[dict]) -> float:
        """What it took since the host could see the content: seconds, on a CPU of the host's own where seen."""
        if self._shared.theirs is None:
            started = work_clock(self.device, self._plan.host_process)
            reply = self.peer.ask(protocol.SET_UP, sets=plan)
        else:
            shifts, scalars = [one["shift"] for one in plan], scalars_of(sets)
            reply = self.peer.ask(protocol.SET_UP, shifts=shifts, scalars=scalars)
            started = work_clock(self.device, self._plan.host_process)
            self._shared.fill(shifts, scalars, sets)
        seconds = work_clock(self.device, self._plan.host_process) - started
        if isinstance(reply.get("changed"), list):
            self.changed |= {str(one)[:60] for one in reply["changed"][:10]}
        return seconds

    def _sets_of(self, axes: Axes) -> int:
        if self.device != "cuda":
            return 4
        light = timing.speed_of_light(self.problem, axes, self._ceilings)
        room = self._plan.most_bytes // self.problem.footprint(axes)
        return max(2, min(MOST_SETS, room, max(4, math.ceil(BURST_SECONDS / light))))

    def _sized(self, axes: Axes) -> tuple[list, list]:
        """Name, shape and type of inputs and of outputs."""
        kinds = self.problem.definition.inputs, self.problem.definition.outputs
        sized = [[(it.name, it.shape and it.sizes(axes), it.dtype) for it in kind] for kind in kinds]
        return sized[0], sized[1]

    def _make_sets(self, count: int, axes: Axes) -> Sets:
        return Sets(*self._sized(axes), count, self.device)

    def _shape_host(self, axes: Axes, count: int) -> None:
        inputs, outputs = self._sized(axes)
        is_shared = self._shared.theirs is not None
        self.peer.ask(protocol.SHAPE, sets=count, inputs=inputs, outputs=outputs, shared=is_shared)

    def _census(self, known: set[str], is_first: bool) -> set[str]:
        """After the host's first burst nothing may start."""
        process = self._plan.host_process
        if process is None:
            self._note("gpu-kernel-threads", "the host's process is not visible from here: the supervisor counts")
            return known
        now = threads_and_children(process)
        new = now - known
        if new and not is_first:
            started = ", ".join(sorted(new)[:3])
            raise Refusal("gpu-kernel-threads", f"the host started {len(new)} after its warm-up: {started}", True)
        self._note("gpu-kernel-threads", f"{len(now)} threads and processes after the first burst and no more later")
        return now
