"""Documents that stand only in held-out text, and what a model's bits on them say.

A split may hold canaries: documents of random letters that were put into it by hash when it was made, many times over,
behind the bytes that are scored. They exist nowhere else. Controls are made of random letters that the judge draws anew
in each trial, so they were never anywhere. A model that was trained on the split's file needs fewer bits for the
canaries; one that was not cannot tell the two apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

CANARY_BYTES = 72
"""Length of a canary and of a control, its newline included."""
WORD_BYTES = 6
CONTROLS = 24


@dataclass
class CanaryBits:
    """Bits per byte of each canary and of each control."""

    canaries: list[float] = field(default_factory=list)
    controls: list[float] = field(default_factory=list)

    def add(self, bits: float, is_canary: bool) -> None:
        (self.canaries if is_canary else self.controls).append(bits)


@dataclass(frozen=True)
class Gap:
    """How much less (bits per byte) one group needs than the other, and the standard error of that."""

    gap: float
    error: float

    def exceeds(self, limit: float) -> bool:
        """Whether it is larger than `limit` and than 5 of its standard errors."""
        return self.gap > limit and self.gap > 5 * self.error


def gap_between(known: list[float], unknown: list[float]) -> Gap:
    """mean(unknown) - mean(known), with Welch's standard error. Both need two values at least."""
    variances = [float(np.var(group, ddof=1)) / len(group) for group in (known, unknown)]
    return Gap(float(np.mean(unknown) - np.mean(known)), float(np.sqrt(sum(variances))))


def documents_of(canaries: np.ndarray) -> list[bytes]:
    """The canaries of a file, uint8 [N * CANARY_BYTES]."""
    content = canaries.tobytes()
    return [content[at : at + CANARY_BYTES] for at in range(0, len(content), CANARY_BYTES)]


def control_document(generator: np.random.Generator) -> bytes:
    """Random letters in words of six, as long as a canary; the last byte is a newline."""
    letters = generator.integers(ord("a"), ord("z") + 1, size=CANARY_BYTES).astype(np.uint8)
    letters[WORD_BYTES :: WORD_BYTES + 1] = ord(" ")
    letters[-1] = ord("\n")
    return letters.tobytes()


def canary_batch(canaries: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """All canaries and CONTROLS controls in a secret order: uint8 [N, CANARY_BYTES], and bool [N]: is a canary."""
    generator = np.random.default_rng([seed, 1])
    documents = documents_of(canaries)
    count = len(documents)
    documents += [control_document(generator) for _ in range(CONTROLS)]
    rows = np.stack([np.frombuffer(document, dtype=np.uint8) for document in documents])
    order = generator.permutation(len(rows))
    return rows[order], order < count
