"""Makes the calls of a trial: lays inputs, times candidate and reference, verifies outputs, explains wrong ones."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field

import numpy as np

from assay_judge import kernel_protocol as protocol
from assay_judge.kernel_area import Area, Changed, Layout
from assay_judge.kernel_peer import KernelPeer, Reply
from assay_judge.kernel_plan import Call
from assay_judge.kernel_problems import Arrays, Exact, Generator, Problem
from assay_judge.kernel_reference import Reference, ReferenceRun
from assay_judge.kernel_verify import Verdict, is_sloppy, make_poison, poison_left, stale_parts, verify

LATE_SECONDS = 0.03
"""How long a wrong output is given to change by itself."""
RECENT = 6
"""Earlier inputs of each kernel that a wrong output is compared with."""


class Refusal(Exception):
    """A check failed. `suspected`: an honest mistake does not look like this."""

    def __init__(self, checks: list[str], reason: str, suspected: bool) -> None:
        super().__init__(reason)
        self.checks = checks
        self.reason = reason
        self.suspected = suspected


@dataclass(frozen=True)
class Record:
    """What one verified call took and how exact it was."""

    call: Call
    wall_ns: int
    claimed_wall_ns: int
    knock_ns: int
    """What the empty call right before it took."""
    reference: ReferenceRun
    verdict: Verdict


@dataclass
class Trial:
    peer: KernelPeer
    area: Area
    reference: Reference
    generator: Generator
    records: list[Record] = field(default_factory=list)
    checked: Counter = field(default_factory=Counter)
    """How much each check has looked at so far."""
    _layouts: dict[int, Layout] = field(default_factory=dict)
    _first: dict[str, tuple[Call, Arrays]] = field(default_factory=dict)
    """The first call of each kernel; its output was right."""
    _recent: dict[str, deque[Arrays]] = field(default_factory=dict)

    def run(self, calls: list[Call]) -> None:
        """Makes all calls, then looks once more at all that must have stayed. Raises Refusal or HostFailure."""
        wanted = {id(call.base) for call in calls if call.base is not None}
        for call in calls:
            self._run_one(call, keep=id(call) in wanted)
        for bay in range(len(self.area.bays)):
            self._check_left(bay)

    def _run_one(self, call: Call, keep: bool) -> None:
        problem = call.problem
        inputs = call.make()
        if keep:
            call.inputs = inputs
        self._check_left(call.bay)
        layout = self._layouts[call.base.index] if call.same_place and call.base else self._new_layout(call, inputs)
        self._layouts[call.index] = layout
        poison, pattern = make_poison(self.generator, int(np.prod(problem.output_shape(call.sizes))))
        if call.candidate_first:
            reply, output = self._ask(call, layout, inputs, poison)
            plain = self.reference.run(problem, call.sizes, inputs, poison)
        else:
            plain = self.reference.run(problem, call.sizes, inputs, poison)
            reply, output = self._ask(call, layout, inputs, poison)
        exact = problem.exact(inputs)
        verdict = verify(problem, output, exact, plain.output)
        left = poison_left(output, pattern)
        self.checked["calls"] += 1
        self.checked["elements"] += output.size
        self.checked[call.kind] += 1
        if left or not verdict.ok:
            self._explain(call, layout, inputs, output, exact, verdict, left)
        self.records.append(Record(call, reply.wall_ns, reply.claimed_wall_ns, reply.knock_ns, plain, verdict))
        self._first.setdefault(problem.name, (call, inputs))
        self._recent.setdefault(problem.name, deque(maxlen=RECENT)).append(inputs)

    def _new_layout(self, call: Call, inputs: Arrays) -> Layout:
        output_bytes = 4 * int(np.prod(call.problem.output_shape(call.sizes)))
        return self.area.layout_for(call.bay, [*(array.nbytes for array in inputs), output_bytes])

    def _ask(self, call: Call, layout: Layout, inputs: Arrays, poison: np.ndarray) -> tuple[Reply, np.ndarray]:
        """One call of the candidate: its reply, and the output as it was when the reply came."""
        self.area.lay(layout, inputs, poison)
        self.peer.doing = f"in call {call.index + 1} ({words_of(call)})"
        kernel = protocol.KERNELS.index(call.problem.name)
        reply = self.peer.ask(protocol.CALL, kernel, call.sizes, layout.starts)
        samples = self.area.sample(layout)
        raw, changed = self.area.take(layout)
        self._refuse_changes(changed, call)
        for place, sample in samples:
            if raw[place : place + len(sample)].tobytes() != sample:
                reason = f"{words_of(call)}: the output was still being written after the call was said to be done"
                raise Refusal(["kernel-late-write"], reason, suspected=True)
        self.checked["samples"] += len(samples)
        return reply, raw.view(np.float32).reshape(call.problem.output_shape(call.sizes))

    def _refuse_changes(self, changed: Changed, call: Call) -> None:
        if changed.inputs:
            reason = f"{words_of(call)}: {changed.inputs} bytes of the inputs were written"
            raise Refusal(["kernel-inputs-unchanged"], reason, suspected=True)
        if changed.guards:
            where = "beyond the end" if changed.first >= 0 else "before the start"
            reason = f"{words_of(call)}: {changed.guards} bytes were written outside of the output, the first {where}"
            raise Refusal(["kernel-correct"], reason, suspected=False)

    def _check_left(self, bay: int) -> None:
        """What an earlier call left in a bay must still be what it was when that call ended."""
        changed = self.area.check(bay)
        self.checked["left"] += 1
        if changed.output or changed.guards:
            reason = (
                f"{changed.output + changed.guards} bytes of or around an earlier call's output changed after that call"
            )
            raise Refusal(["kernel-late-write"], reason, suspected=True)
        if changed.inputs:
            reason = f"{changed.inputs} bytes of an earlier call's inputs changed after that call"
            raise Refusal(["kernel-inputs-unchanged"], reason, suspected=True)

    def _explain(
        self,
        call: Call,
        layout: Layout,
        inputs: Arrays,
        output: np.ndarray,
        exact: Exact,
        verdict: Verdict,
        left: int,
    ) -> None:
        """Raises the Refusal that fits a wrong output best."""
        problem, what = call.problem, words_of(call)
        time.sleep(LATE_SECONDS)
        if self.area.output_now(layout).tobytes() != output.tobytes():
            reason = f"{what}: the output changed after the call was said to be done"
            raise Refusal(["kernel-late-write"], reason, suspected=True)
        if left:
            reason = f"{what}: {left} of {output.size} elements of the output were not written"
            raise Refusal(["kernel-poison", "kernel-correct"], reason, suspected=True)
        earlier = [one for one in self._recent.get(problem.name, ()) if one is not inputs]
        if call.base is not None and call.base.inputs is not None:
            earlier.append(call.base.inputs)
        if stale := stale_parts(problem, output, inputs, earlier):
            reason = f"{what}: the output is that of {stale}: results or inputs are kept between calls"
            raise Refusal(["kernel-fresh"], reason, suspected=True)
        again = [self._is_right_again(call, inputs, exact) for _ in range(2)]
        if any(again):
            reason = f"{what}: wrong, but right when the same inputs came again at another place: it keeps a state"
            raise Refusal(["kernel-fresh" if call.same_place else "kernel-order"], reason, suspected=True)
        if problem.name in self._first:
            known, its_inputs = self._first[problem.name]
            if not self._is_right_again(known, its_inputs, problem.exact(its_inputs)):
                reason = f"{what}: wrong, and so are now the inputs of call {known.index + 1}, which were right then"
                raise Refusal(["kernel-order"], reason, suspected=True)
        main = "kernel-precision" if is_sloppy(output, exact, verdict.largest_allowed) else "kernel-correct"
        declared = sum(one.call.problem is problem and one.call.kind == "declared" for one in self.records)
        only_here = call.kind in ("hidden", "tiny") and declared >= 4
        checks = [main, "kernel-shapes"] if only_here else [main]
        raise Refusal(checks, f"{what}: {verdict.words()}", suspected=False)

    def _is_right_again(self, call: Call, inputs: Arrays, exact: Exact) -> bool:
        """Whether the same inputs at another place give a right output now."""
        problem: Problem = call.problem
        poison, pattern = make_poison(self.generator, exact.values.size)
        again = self._new_layout(call, inputs)
        _, output = self._ask(call, again, inputs, poison)
        plain = self.reference.run(problem, call.sizes, inputs, poison)
        return not poison_left(output, pattern) and verify(problem, output, exact, plain.output).ok


def words_of(call: Call) -> str:
    sizes = "x".join(str(size) for size in call.sizes)
    return f"{call.problem.name} {sizes}, {call.distribution} inputs"
