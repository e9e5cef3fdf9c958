"""What the judge shows to a model: scored windows and probes, mixed, in a secret order.

The scored part of a split is its first `bytes + 1` bytes, cut into windows of C inputs, CONTEXT_LENGTH unless the task
asks for more. Window k has the inputs [Ck, Ck + C) and the targets one byte further, so each byte but the very first is
a target exactly once, whatever the candidate is. The first input of a window is context only as far as that window goes
(it is the last target of the window before), and a target at place i of a window is predicted from i + 1 bytes.

Probes are rows that should give the same logits as a scored row, as far as they share its beginning:

- `alone`: the row in a batch of its own, before anything else is shown;
- `suffix`: all bytes after a secret place t are other text, so the row still looks like text;
- `prefix`: the row ends after a secret place t;
- `moved`: the same row again, among other rows and at another place of another batch;
- `late`: the same again, where one of the two is in the first full batch and the other in the last.

The other text of the suffix probes is for one half that of another scored window, for the other half text of the same
split that is never scored: from the bits on it one can tell a model that knows just the scored bytes by heart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

CONTEXT_LENGTH = 256
BATCH_ROWS = 32
ALONE_PROBES = 4
SUFFIX_PROBES = 48
REPEATS_A_BATCH = 4
"""Rows of each full batch that repeat one of another batch."""
PREFIX_LENGTHS = 4
PREFIX_ROWS = 4
"""Rows in the one batch for each of the PREFIX_LENGTHS secret lengths."""

Kind = Literal["scored", "alone", "suffix", "prefix", "moved", "late"]
Tail = Literal["none", "scored", "unscored"]


@dataclass(frozen=True)
class Row:
    """One row to show. `shared` is how many first positions must have the logits of the scored window."""

    kind: Kind
    window: int
    shared: int
    inputs: np.ndarray = field(repr=False)
    """uint8 [T]"""
    tail: Tail = "none"
    """Of a suffix probe: what its other text is."""


def windows_of(text: np.ndarray, context: int = CONTEXT_LENGTH) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of a scored text: uint8 [N+1] -> uint8 [N/C, C] twice. N is a multiple of C, the context."""
    inputs = text[:-1].reshape(-1, context)
    targets = text[1:].reshape(-1, context)
    return inputs, targets


def splice(window: np.ndarray, other: np.ndarray, keep: int) -> np.ndarray:
    """The window's first `keep` bytes, then those of another, forced to differ in the first byte after."""
    mixed = other.copy()
    mixed[:keep] = window[:keep]
    if mixed[keep] == window[keep]:
        mixed[keep] = ord("e") if mixed[keep] != ord("e") else ord(" ")
    return mixed


def make_batches(inputs: np.ndarray, unscored: np.ndarray, seed: int, batch_rows: int = BATCH_ROWS) -> list[list[Row]]:
    """All rows to show, as batches of rows of equal length. `seed` is the judge's secret.

    inputs: uint8 [W,C], the scored windows. unscored: uint8 [N], more text of the split; fewer than C bytes: none.
    batch_rows: rows of a full batch.
    """
    generator = np.random.default_rng(seed)
    count, context = inputs.shape
    rows = [Row("scored", index, context, inputs[index]) for index in range(count)]
    for number in range(SUFFIX_PROBES):
        rows.append(suffix_probe(inputs, unscored if number % 2 else unscored[:0], generator))
    order = generator.permutation(len(rows))
    size = batch_rows - REPEATS_A_BATCH
    batches = [[rows[index] for index in order[at : at + size]] for at in range(0, len(rows), size)]
    batches = with_repeats(batches, generator)
    for length in generator.integers(1, context, size=PREFIX_LENGTHS):
        chosen = generator.integers(count, size=PREFIX_ROWS)
        batch = [Row("prefix", int(window), int(length), inputs[window, :length]) for window in chosen]
        batches.insert(int(generator.integers(len(batches) + 1)), batch)
    alone = generator.choice(count, size=min(ALONE_PROBES, count), replace=False)
    return [[Row("alone", int(window), context, inputs[window])] for window in alone] + batches


def suffix_probe(inputs: np.ndarray, unscored: np.ndarray, generator: np.random.Generator) -> Row:
    """A random window with other text after a random place."""
    context = inputs.shape[1]
    window = int(generator.integers(len(inputs)))
    keep = int(generator.integers(1, context))
    if len(unscored) > context:
        at = int(generator.integers(len(unscored) - context))
        return Row("suffix", window, keep, splice(inputs[window], unscored[at : at + context], keep), "unscored")
    other = int(generator.integers(len(inputs) - 1))
    other += other >= window
    return Row("suffix", window, keep, splice(inputs[window], inputs[other], keep), "scored")


def with_repeats(batches: list[list[Row]], generator: np.random.Generator) -> list[list[Row]]:
    """Adds REPEATS_A_BATCH rows of other batches to each, at random places; first and last exchange theirs."""
    scored = [[row for row in batch if row.kind == "scored"] for batch in batches]
    last = len(batches) - 1
    result = []
    for place, batch in enumerate(batches):
        partner = last - place if place in (0, last) else None
        rows = list(batch)
        for _ in range(REPEATS_A_BATCH):
            source = partner if partner is not None else int(generator.integers(last))
            source += partner is None and source >= place
            if not scored[source]:
                continue
            row = scored[source][int(generator.integers(len(scored[source])))]
            repeat = Row("moved" if partner is None else "late", row.window, row.shared, row.inputs)
            rows.insert(int(generator.integers(len(rows) + 1)), repeat)
        result.append(rows)
    return result
