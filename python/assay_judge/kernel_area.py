"""The judge's side of the shared file: lays inputs and poison into it, and finds every byte that changed.

The file is never mapped here: a process that may write it may also shorten it, and a mapping would then end the judge.
Each bay of the file has a private copy of what must be in it, so a write outside the output, at any time, is noticed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np

from assay_judge.kernel_problems import Arrays, Generator
from assay_judge.protocol import HostFailure

LINE_BYTES = 64
GUARD_BYTES = 256
"""Least distance between arrays, filled with random bytes."""
SAMPLES = 24
"""Pieces of an output that are read at once, in random order, before the whole of it is."""
SAMPLE_BYTES = 64


@dataclass
class Layout:
    """Where the arrays of one call lie: bytes from the start of the file, inputs first, then the output."""

    bay: int
    starts: tuple[int, ...]
    lengths: tuple[int, ...]

    @property
    def output(self) -> slice:
        return slice(self.starts[-1], self.starts[-1] + self.lengths[-1])


@dataclass
class Changed:
    """Bytes that are not what they must be, by where they lie; of the output, those that changed after it was read."""

    inputs: int = 0
    guards: int = 0
    output: int = 0
    first: int = -1
    """Distance of the first changed guard byte from the end of the output; negative when it lies before its start."""


@dataclass
class Bay:
    start: int
    layout: Layout | None = None
    expected: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint8))


def round_up(number: int, step: int) -> int:
    return -(-number // step) * step


class Area:
    """`bay_bytes` must hold the arrays of the largest call with some room to vary addresses."""

    def __init__(self, path: str, bays: int, bay_bytes: int, generator: Generator) -> None:
        self.bay_bytes = round_up(bay_bytes, 4096)
        self.size = bays * self.bay_bytes
        self._generator = generator
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        # The host may run as another user.
        os.fchmod(self._file, 0o666)
        self.bays = [Bay(number * self.bay_bytes) for number in range(bays)]
        for bay in self.bays:
            bay.expected = np.frombuffer(generator.bytes(self.bay_bytes), np.uint8).copy()
            self._write(bay.start, bay.expected)
        self.bytes_compared = 0

    def close(self) -> None:
        os.close(self._file)

    def layout_for(self, bay: int, lengths: list[int]) -> Layout:
        """Random places for arrays of these lengths in bytes, in random order, with guards around each."""
        sizes = [round_up(length, LINE_BYTES) for length in lengths]
        slack = self.bay_bytes - sum(sizes) - (len(sizes) + 1) * GUARD_BYTES
        if slack < 0:
            raise ValueError(f"arrays of {sum(sizes)} bytes do not fit into a bay")
        gaps = self._generator.multinomial(slack // LINE_BYTES, [1 / (len(sizes) + 1)] * (len(sizes) + 1))
        starts = [0] * len(sizes)
        at = self.bays[bay].start
        for place, gap in zip(self._generator.permutation(len(sizes)), gaps, strict=False):
            at += GUARD_BYTES + int(gap) * LINE_BYTES
            starts[place] = at
            at += sizes[place]
        return Layout(bay, tuple(starts), tuple(lengths))

    def lay(self, layout: Layout, inputs: Arrays, poison: np.ndarray) -> None:
        """Writes inputs and the poisoned output. What lay in the bay before has to be checked by then."""
        bay = self.bays[layout.bay]
        bay.layout = layout
        for start, array in zip(layout.starts, [*inputs, poison], strict=True):
            raw = array.reshape(-1).view(np.uint8)
            bay.expected[start - bay.start : start - bay.start + len(raw)] = raw
            self._write(start, raw)

    def sample(self, layout: Layout) -> list[tuple[int, bytes]]:
        """A few pieces of the output, in random order, as they are right now: (distance from its start, bytes)."""
        count = max(1, layout.lengths[-1] // SAMPLE_BYTES)
        places = self._generator.integers(0, count, SAMPLES) * SAMPLE_BYTES
        return [
            (int(place), os.pread(self._file, min(SAMPLE_BYTES, layout.lengths[-1]), layout.starts[-1] + int(place)))
            for place in places
        ]

    def take(self, layout: Layout) -> tuple[np.ndarray, Changed]:
        """The output as bytes, and what changed beside it. From now on the bay must stay as it is."""
        bay = self.bays[layout.bay]
        now = self._read(bay.start, self.bay_bytes)
        inside = slice(layout.output.start - bay.start, layout.output.stop - bay.start)
        output = now[inside].copy()
        bay.expected[inside] = output
        return output, self._compare(bay, now)

    def check(self, number: int) -> Changed:
        """What changed in a bay since it was last taken."""
        bay = self.bays[number]
        return self._compare(bay, self._read(bay.start, self.bay_bytes))

    def output_now(self, layout: Layout) -> np.ndarray:
        """The output as bytes, as it is right now."""
        return self._read(layout.starts[-1], layout.lengths[-1])

    def _compare(self, bay: Bay, now: np.ndarray) -> Changed:
        self.bytes_compared += len(now)
        if np.array_equal(now, bay.expected):
            return Changed()
        places = np.flatnonzero(now != bay.expected) + bay.start
        bay.expected[:] = now
        changed = Changed(guards=len(places))
        if bay.layout is None:
            return changed
        starts, lengths = bay.layout.starts, bay.layout.lengths
        ends = [start + length for start, length in zip(starts, lengths, strict=True)]
        inside = [int(((places >= start) & (places < end)).sum()) for start, end in zip(starts, ends, strict=True)]
        changed.inputs, changed.output = sum(inside[:-1]), inside[-1]
        changed.guards -= sum(inside)
        if changed.guards:
            outside = places[(places < starts[-1]) | (places >= ends[-1])]
            changed.first = int(outside[0]) - (ends[-1] if outside[0] >= ends[-1] else starts[-1])
        return changed

    def _write(self, start: int, raw: np.ndarray) -> None:
        view = memoryview(raw)
        while view:
            count = os.pwrite(self._file, view, start)
            view, start = view[count:], start + count

    def _read(self, start: int, length: int) -> np.ndarray:
        buffer = np.empty(length, np.uint8)
        done = 0
        while done < length:
            count = os.preadv(self._file, [memoryview(buffer)[done:]], start + done)
            if count == 0:
                raise HostFailure("invalid-metric", "the shared file was made shorter")
            done += count
        return buffer
