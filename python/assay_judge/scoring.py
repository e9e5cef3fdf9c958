"""Shows one split to the model host and keeps what its score and its checks need. numpy only, trusted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from assay_judge.canary_text import CanaryBits, canary_batch
from assay_judge.host_cost import HostCost
from assay_judge.plan import BATCH_ROWS, CONTEXT_LENGTH, Row, make_batches, windows_of
from assay_judge.protocol import Peer

TOLERANCE = 2e-3
"""Largest change of one log-probability (nats) that counts as rounding. The trained starts stay below 1e-5."""

TAIL_SKIPPED = 8
"""Places after a splice whose bits are not compared: there the model still has to find out where it is."""

PROBE_KINDS = ("alone", "suffix", "prefix", "moved", "late")


class NotFinite(Exception):
    """A reply held a number that is not finite. Training that diverged does this too."""


@dataclass
class Probed:
    """What one kind of probe found so far: positions compared and the largest change in nats."""

    probes: int = 0
    positions: int = 0
    largest: float = 0.0

    def __add__(self, other: Probed) -> Probed:
        largest = max(self.largest, other.largest)
        return Probed(self.probes + other.probes, self.positions + other.positions, largest)


@dataclass
class TailBits:
    """Bits per byte of the other text of suffix probes, one number for each probe that has enough of it."""

    scored: list[float] = field(default_factory=list)
    unscored: list[float] = field(default_factory=list)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Log-probabilities in nats over the last axis: float32 [..., 256] -> float64 [..., 256]."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def bits_of(log_probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Bits of each target byte: float64 [T,256] and uint8 [T] -> float64 [T]."""
    chosen = np.take_along_axis(log_probabilities, targets[:, None].astype(np.int64), axis=1)[:, 0]
    return -chosen / np.log(2)


def largest_change(left: np.ndarray, right: np.ndarray) -> float:
    """The largest difference between two arrays of log-probabilities, where at least one is above 1e-6."""
    floor = np.log(1e-6)
    return float(np.abs(np.maximum(left, floor) - np.maximum(right, floor)).max())


class SplitScore:
    """The score of one split, and what its probes found. text: uint8 [N], of which the first scored_bytes + 1 count."""

    def __init__(
        self,
        text: np.ndarray,
        scored_bytes: int,
        canaries: np.ndarray,
        seed: int,
        context: int = CONTEXT_LENGTH,
        batch_rows: int = BATCH_ROWS,
    ) -> None:
        self.inputs, self.targets = windows_of(text[: scored_bytes + 1], context)
        self.context = context
        self.batch_rows = batch_rows
        self.seed = seed
        self.bits = np.zeros(len(self.inputs))
        self.times_scored = np.zeros(len(self.inputs), dtype=int)
        self.values_seen = 0
        self.normalisation_error = 0.0
        self.probed = {kind: Probed() for kind in PROBE_KINDS}
        self.tails = TailBits()
        self.canary_bits = CanaryBits()
        # Canaries, which stand in the second half, are harder than text.
        self._unscored = text[scored_bytes + 1 : len(text) // 2]
        self._canaries = canaries
        self._first_seen: dict[int, np.ndarray] = {}
        self._waiting: list[tuple[Row, np.ndarray]] = []

    def run(self, peer: Peer, cost: HostCost) -> None:
        """Exchanges all batches, then compares the probes. Raises HostFailure or NotFinite."""
        batches = make_batches(self.inputs, self._unscored, self.seed, self.batch_rows)
        wanted = {row.window for batch in batches for row in batch if row.kind != "scored"}
        for batch in batches:
            logits = self._ask(peer, cost, np.stack([row.inputs for row in batch]), is_alone=batch[0].kind == "alone")
            for row, row_logits in zip(batch, logits, strict=True):
                self._take(row, row_logits, wanted)
        for row, logits in self._waiting:
            self._compare(row, logits)
        self._show_canaries(peer, cost)

    def _ask(self, peer: Peer, cost: HostCost, tokens: np.ndarray, *, is_alone: bool) -> np.ndarray:
        cost.asked()
        logits, after = peer.logits(tokens)
        cost.answered(after, rows=len(tokens), is_alone=is_alone)
        if not np.isfinite(logits).all():
            bad = int((~np.isfinite(logits)).sum())
            raise NotFinite(f"the logits hold values that are not finite: {bad} of {logits.size} in one reply")
        self.values_seen += logits.size
        return logits

    def _take(self, row: Row, logits: np.ndarray, wanted: set[int]) -> None:
        if row.kind != "scored":
            self._waiting.append((row, logits[: row.shared].copy()))
            if row.tail != "none":
                self._take_tail(row, logits)
            return
        if row.window in wanted:
            self._first_seen[row.window] = logits.copy()
        log_probabilities = log_softmax(logits)
        self.bits[row.window] = bits_of(log_probabilities, self.targets[row.window]).sum()
        self.times_scored[row.window] += 1
        place = row.window % self.context
        error = abs(float(np.exp(log_probabilities[place]).sum()) - 1.0)
        self.normalisation_error = max(self.normalisation_error, error)

    def _take_tail(self, row: Row, logits: np.ndarray) -> None:
        begin = row.shared + TAIL_SKIPPED
        if len(row.inputs) - 1 - begin < TAIL_SKIPPED:
            return
        bits = bits_of(log_softmax(logits[begin:-1]), row.inputs[begin + 1 :])
        (self.tails.scored if row.tail == "scored" else self.tails.unscored).append(float(bits.mean()))

    def _compare(self, row: Row, logits: np.ndarray) -> None:
        expected = log_softmax(self._first_seen[row.window][: row.shared])
        found = Probed(1, row.shared, largest_change(expected, log_softmax(logits)))
        self.probed[row.kind] += found

    def _show_canaries(self, peer: Peer, cost: HostCost) -> None:
        if len(self._canaries) == 0:
            return
        rows, is_canary = canary_batch(self._canaries, self.seed)
        logits = self._ask(peer, cost, rows[:, :-1], is_alone=False)
        for row, row_logits, of_canary in zip(rows, logits, is_canary, strict=True):
            self.canary_bits.add(float(bits_of(log_softmax(row_logits), row[1:]).mean()), of_canary)

    def bytes_scored(self) -> int:
        """Targets that were counted, each as often as it was counted."""
        return int(self.times_scored.sum()) * self.context

    def bits_per_byte(self) -> float:
        """The score. Every byte of the text but the first is counted once."""
        return float(self.bits.sum() / self.targets.size)
