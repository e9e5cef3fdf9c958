"""What the judge shows to a model: scored windows and probes, mixed, in a secret order.

The scored part of a split is its first `bytes + 1` bytes, cut into windows of CONTEXT_LENGTH inputs. Window k has
the inputs [256k, 256k + 256) and the targets one byte further, so each byte but the very first is a target exactly
once, whatever the candidate is. The first input of a window is context only as far as that window goes (it is the
last target of the window before), and a target at place i of a window is predicted from i + 1 bytes.

Probes are rows that should give the same logits as a scored row, as far as they share its beginning:

- `suffix`: all bytes after a secret place t are those of another window, so the row still looks like text;
- `prefix`: the row ends after a secret place t;
- `repeat`: the same row again, in another batch among other rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

CONTEXT_LENGTH = 256
BATCH_ROWS = 32
SUFFIX_PROBES = 48
REPEAT_PROBES = 16
PREFIX_LENGTHS = 4
PREFIX_ROWS = 4
"""Rows in the one batch for each of the PREFIX_LENGTHS secret lengths."""

Kind = Literal["scored", "suffix", "prefix", "repeat"]


@dataclass(frozen=True)
class Row:
    """One row to show. `shared` is how many first positions must have the logits of the scored window."""

    kind: Kind
    window: int
    shared: int
    inputs: np.ndarray = field(repr=False)
    """uint8 [T]"""


def windows_of(text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of a scored text: uint8 [N+1] -> uint8 [N/256, 256] twice. N is a multiple of 256."""
    inputs = text[:-1].reshape(-1, CONTEXT_LENGTH)
    targets = text[1:].reshape(-1, CONTEXT_LENGTH)
    return inputs, targets


def splice(inputs: np.ndarray, window: int, keep: int, generator: np.random.Generator) -> np.ndarray:
    """The window's first `keep` bytes, then those of another window, forced to differ in the first byte after."""
    other = int(generator.integers(len(inputs) - 1))
    other += other >= window
    mixed = inputs[other].copy()
    mixed[:keep] = inputs[window, :keep]
    if mixed[keep] == inputs[window, keep]:
        mixed[keep] = ord("e") if mixed[keep] != ord("e") else ord(" ")
    return mixed


def make_batches(inputs: np.ndarray, seed: int) -> list[list[Row]]:
    """All rows to show, uint8 [W,256] -> batches of rows of equal length. `seed` is the judge's secret."""
    generator = np.random.default_rng(seed)
    count = len(inputs)
    rows = [Row("scored", index, CONTEXT_LENGTH, inputs[index]) for index in range(count)]
    for window in generator.integers(count, size=SUFFIX_PROBES):
        keep = int(generator.integers(1, CONTEXT_LENGTH))
        rows.append(Row("suffix", int(window), keep, splice(inputs, int(window), keep, generator)))
    repeats = generator.choice(count, size=min(REPEAT_PROBES, count), replace=False)
    rows += [Row("repeat", int(window), CONTEXT_LENGTH, inputs[window]) for window in repeats]

    order = generator.permutation(len(rows))
    batches = [[rows[index] for index in order[at : at + BATCH_ROWS]] for at in range(0, len(rows), BATCH_ROWS)]
    for length in generator.integers(1, CONTEXT_LENGTH, size=PREFIX_LENGTHS):
        chosen = generator.integers(count, size=PREFIX_ROWS)
        batch = [Row("prefix", int(window), int(length), inputs[window, :length]) for window in chosen]
        batches.insert(int(generator.integers(len(batches) + 1)), batch)
    return batches
