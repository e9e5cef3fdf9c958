"""Which calls the judge makes of a candidate's kernels, in which order, and where in the exchange their arrays lie.

A candidate sees one call after another. Which of them count, which warm up and which probe is not to be told from
outside: they come from the same distributions and mix at random, and every one of them is timed and verified.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from assay_judge.kernel_problems import PROBLEMS, Arrays, Generator, Problem, Sizes, change_one, nearby, tiny

DECLARED_CALLS = 12
"""Timed calls at declared sizes, for each kernel."""
HIDDEN_CALLS = 8
"""Timed calls at secret sizes nearby, for each kernel."""
PROBES = {"overwrite": 3, "one-element": 3, "repeat": 4, "tiny": 2}
"""Calls of each kind for each kernel. All but the tiny ones follow an earlier call: same place and new content, same
place and one element changed, same content anywhere."""
ANCHORS = 2
"""Early calls for each kernel that are repeated at the very end."""
BAYS = 6


@dataclass
class Call:
    """One call to make. `index` is its place in the order."""

    problem: Problem
    sizes: Sizes
    kind: str
    """warm-up, declared, hidden, tiny, overwrite, one-element, repeat or anchor."""
    distribution: str
    make: Callable[[], Arrays]
    """Draws the inputs; called once, when it is this call's turn."""
    base: Call | None = None
    """The earlier call that a probe follows."""
    same_place: bool = False
    """Whether its arrays lie exactly where those of `base` lay."""
    candidate_first: bool = True
    index: int = -1
    bay: int = -1
    inputs: Arrays | None = None
    """Kept while a later probe needs them."""

    @property
    def counts(self) -> bool:
        """Whether its time goes into the metric."""
        return self.kind in ("declared", "hidden")


class Planner:
    """Makes the calls of one trial from a generator with a secret seed."""

    def __init__(self, generator: Generator, problems: tuple[Problem, ...] = PROBLEMS) -> None:
        self.generator = generator
        self.problems = problems

    def calls(self) -> list[Call]:
        """All calls in order, with bays and sides."""
        units: list[list[Call]] = []
        singles: list[Call] = []
        for problem in self.problems:
            probes, alone = self._of_problem(problem)
            units += probes
            singles += alone
        units = [units[place] for place in self.generator.permutation(len(units))]
        order = self._interleave(units, singles)
        order = [*self._warm_ups(), *order]
        order += self._anchors(order)
        self._place(order)
        return order

    def _of_problem(self, problem: Problem) -> tuple[list[list[Call]], list[Call]]:
        """Pairs of a timed call and the probe that follows it, and calls that stand alone."""
        sizes = [problem.declared[turn % len(problem.declared)] for turn in range(DECLARED_CALLS)]
        counted = [self._fresh(problem, one, "declared", turn) for turn, one in enumerate(sizes)]
        for turn in range(HIDDEN_CALLS):
            near = nearby(self.generator, problem.declared[turn % len(problem.declared)])
            counted.append(self._fresh(problem, near, "hidden", turn))
        probes = [kind for kind, count in PROBES.items() for _ in range(count) if kind != "tiny"]
        chosen = self.generator.permutation(len(counted))
        pairs = [
            [counted[place], self._probe(counted[place], kind)] for place, kind in zip(chosen, probes, strict=False)
        ]
        alone = [counted[place] for place in chosen[len(probes) :]]
        alone += [
            self._fresh(problem, tiny(self.generator, problem.declared[0], turn), "tiny", turn)
            for turn in range(PROBES["tiny"])
        ]
        return pairs, alone

    def _fresh(self, problem: Problem, sizes: Sizes, kind: str, turn: int) -> Call:
        # In turn and not at random: each trial times each distribution about as often.
        shift = int(self.generator.integers(2)) * 5
        distribution = problem.distributions[(turn + shift) % len(problem.distributions)]
        seed = int(self.generator.integers(2**63))
        return Call(
            problem, sizes, kind, distribution, lambda: problem.draw(np.random.default_rng(seed), distribution, sizes)
        )

    def _probe(self, base: Call, kind: str) -> Call:
        seed = int(self.generator.integers(2**63))
        problem = base.problem

        def make() -> Arrays:
            if base.inputs is None:
                raise RuntimeError("a probe came before the call that it follows")
            if kind == "one-element":
                return change_one(np.random.default_rng(seed), problem, base.inputs)
            if kind == "overwrite":
                return problem.draw(np.random.default_rng(seed), base.distribution, base.sizes)
            return [array.copy() for array in base.inputs]

        same_place = kind in ("overwrite", "one-element") or bool(self.generator.integers(2))
        return Call(problem, base.sizes, kind, base.distribution, make, base, same_place)

    def _warm_ups(self) -> list[Call]:
        """One to three for each kernel, mixed; from outside they are like all others."""
        calls: list[tuple[int, Call]] = []
        for problem in self.problems:
            for turn in range(int(self.generator.integers(1, 4))):
                declared = problem.declared[int(self.generator.integers(len(problem.declared)))]
                # The first has sizes that come again: what is kept from it will be found out.
                is_declared = turn == 0 or self.generator.random() < 0.6
                sizes = declared if is_declared else nearby(self.generator, declared)
                shift = int(self.generator.integers(len(problem.distributions)))
                calls.append((turn, self._fresh(problem, sizes, "warm-up", shift)))
        shuffled = [calls[place] for place in self.generator.permutation(len(calls))]
        return [call for _, call in sorted(shuffled, key=lambda one: one[0])]

    def _interleave(self, units: list[list[Call]], singles: list[Call]) -> list[Call]:
        """Singles fall anywhere, between the two calls of a pair too."""
        gaps: list[list[Call]] = [[] for _ in range(2 * len(units) + 1)]
        for call in singles:
            gaps[int(self.generator.integers(len(gaps)))].append(call)
        order = list(gaps[0])
        for place, (first, second) in enumerate(units):
            between = gaps[2 * place + 1]
            order += [first, *between, second, *gaps[2 * place + 2]]
        return order

    def _anchors(self, order: list[Call]) -> list[Call]:
        anchors = []
        for problem in self.problems:
            earliest = [call for call in order if call.problem is problem and call.counts][:ANCHORS]
            anchors += [self._probe(call, "repeat") for call in earliest]
        for call in anchors:
            call.kind, call.same_place = "anchor", False
        return [anchors[place] for place in self.generator.permutation(len(anchors))]

    def _place(self, order: list[Call]) -> None:
        """Numbers the calls, gives each a bay that no waiting probe needs, and takes sides in ABBA order."""
        last_use: dict[int, int] = {}
        for index, call in enumerate(order):
            call.index = index
            if call.base is not None and call.same_place:
                last_use[id(call.base)] = index
        reserved: dict[int, int] = {}
        turns: dict[tuple[str, str], int] = {}
        for call in order:
            if call.base is not None and call.same_place:
                call.bay = call.base.bay
            else:
                free = [bay for bay in range(BAYS) if reserved.get(bay, -1) < call.index]
                call.bay = int(self.generator.choice(free))
            reserved[call.bay] = max(reserved.get(call.bay, -1), last_use.get(id(call), -1))
            key = (call.problem.name, call.kind)
            turn = turns.setdefault(key, int(self.generator.integers(4)))
            call.candidate_first = turn % 4 in (0, 3)
            turns[key] = turn + 1
