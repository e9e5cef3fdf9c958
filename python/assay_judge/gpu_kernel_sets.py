"""Sets of inputs and outputs on the device, calls over them, and the file that carries tensors between two processes.

Judge and host each have their own; both use this code, so candidate and baseline are timed over sets of one kind.
"""

from __future__ import annotations

import mmap
import os
import resource
import time
from collections.abc import Callable

import torch

from assay_judge import gpu_kernel_inputs as sampler
from assay_judge.gpu_kernel_inputs import DTYPES, Change, Inputs

ALIGNMENT = 256
"""Bytes. What an allocator gives; shifts of a tensor's place are multiples of it."""
SLACK = 64
"""Multiples of ALIGNMENT by which a place may be shifted."""
POISON = 0xFF
"""Every byte of a fresh output. In each floating-point type that is a not-a-number."""
FLUSH_BYTES = 128 << 20
"""More than twice the second-level cache of an H100 or H200 (50 and 60 MB)."""

Described = tuple[str, tuple[int, ...] | None, str]
"""Name, shape (None for a scalar), type."""


def room_of(shape: tuple[int, ...], dtype: str) -> int:
    """Bytes that a tensor and its shifts take."""
    count = max(1, torch.Size(shape).numel()) * DTYPES[dtype].itemsize
    return -(-(count + ALIGNMENT * SLACK) // 4096) * 4096


class Place:
    """Room on the device for one tensor, which may lie at several addresses in it. `room`: bytes to use, if given."""

    def __init__(self, shape: tuple[int, ...], dtype: str, device: str, room: torch.Tensor | None = None) -> None:
        self._shape, self._dtype = shape, DTYPES[dtype]
        self._bytes = max(1, torch.Size(shape).numel()) * self._dtype.itemsize
        if room is None:
            room = torch.empty(room_of(shape, dtype), dtype=torch.uint8, device=device)
        self._room = room

    def at(self, shift: int) -> torch.Tensor:
        start = (shift % SLACK) * ALIGNMENT
        return self._room[start : start + self._bytes].view(self._dtype).view(self._shape)


class Sets:
    """`count` sets. `set_up` gives them content; the tensors stay valid until it is called again.

    `share`: bytes in which all of them lie, one after the other, in the same places for whoever else sees these bytes.
    """

    def __init__(
        self,
        inputs: list[Described],
        outputs: list[Described],
        count: int,
        device: str,
        share: torch.Tensor | None = None,
    ) -> None:
        self.device = device
        self.count = count
        self._described = inputs, outputs
        self._places: list[list[Place | None]] = []
        at = 0
        for _ in range(count):
            places: list[Place | None] = []
            for _, shape, dtype in (*inputs, *outputs):
                if shape is None:
                    places.append(None)
                    continue
                size = room_of(shape, dtype)
                room = None if share is None else share[at : at + size]
                places.append(Place(shape, dtype, device, room))
                at += size
            self._places.append(places)
        self.inputs: list[Inputs] = []
        self.outputs: list[list[torch.Tensor]] = []

    @staticmethod
    def size(inputs: list[Described], outputs: list[Described], count: int) -> int:
        """Bytes of a share that holds them."""
        described = (*inputs, *outputs)
        return count * sum(room_of(shape, dtype) for _, shape, dtype in described if shape is not None)

    def set_up(self, bases: list[Inputs], plan: list[dict]) -> None:
        """`plan`: for each set its base, shift and changes."""
        self.view([one["shift"] for one in plan], [bases[one["base"]] for one in plan])
        for into, one in zip(self.inputs, plan, strict=True):
            sampler.apply(bases[one["base"]], [Change.from_json(record) for record in one["changes"]], into)
        self.poison()
        flush(self.device)

    def view(self, shifts: list[int], scalars: list[Inputs]) -> None:
        """The tensors at their places, whatever lies there. `scalars`: for each set the inputs that are numbers."""
        inputs, _ = self._described
        self.inputs, self.outputs = [], []
        for places, shift, given in zip(self._places, shifts, scalars, strict=True):
            into: Inputs = {}
            for turn, (name, _, _) in enumerate(inputs):
                place = places[turn]
                into[name] = given[name] if place is None else place.at(shift + 7 * turn)
            self.inputs.append(into)
            rest = enumerate(places[len(inputs) :])
            self.outputs.append([place.at(shift + 3 * turn) for turn, place in rest if place is not None])

    def poison(self) -> None:
        for outputs in self.outputs:
            for tensor in outputs:
                tensor.reshape(-1).view(torch.uint8).fill_(POISON if tensor.dtype != torch.bool else 1)

    def copy_inputs(self, source: Sets) -> None:
        for own, other in zip(self.inputs, source.inputs, strict=True):
            for name, tensor in own.items():
                if isinstance(tensor, torch.Tensor):
                    tensor.copy_(other[name])


_flush_room: dict[str, torch.Tensor] = {}


def flush(device: str) -> None:
    """Fills the caches with something else and waits."""
    if device.startswith("cuda"):
        if device not in _flush_room:
            _flush_room[device] = torch.zeros(FLUSH_BYTES, dtype=torch.uint8, device=device)
        # Read and written: a cache that keeps what is only read is emptied too.
        _flush_room[device].add_(1)
    wait(device)


def wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def burst(call: Callable[[int], object], order: list[int], device: str) -> tuple[float, float]:
    """Calls once for each set: seconds between two events on the device, and on the clock of this process."""
    if not device.startswith("cuda"):
        started = time.perf_counter()
        for one in order:
            call(one)
        seconds = time.perf_counter() - started
        return seconds, seconds
    first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    started = time.perf_counter()
    first.record()
    for one in order:
        call(one)
    last.record()
    torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    return first.elapsed_time(last) / 1e3, seconds


class AreaFile:
    """The exchange file. Read and written by place, never mapped by the judge: who may write it may shorten it."""

    def __init__(self, path: str, size: int | None = None) -> None:
        """`size`: make it; None: it is there."""
        if size is None:
            self._file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        else:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(path, flags, 0o600)
            # The host may run as another user.
            os.fchmod(self._file, 0o666)
            # A sandbox limits how large a file may be.
            limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
            self.size = size if limit == resource.RLIM_INFINITY else min(size, limit)
            os.ftruncate(self._file, self.size)

    def put(self, tensor: torch.Tensor, place: int) -> int:
        """Writes a tensor's bytes; the place after them, aligned."""
        raw = tensor.detach().contiguous().reshape(-1).view(torch.uint8).cpu().numpy()
        view = memoryview(raw)
        at = place
        while view:
            count = os.pwrite(self._file, view, at)
            view, at = view[count:], at + count
        return -(-at // mmap.PAGESIZE) * mmap.PAGESIZE

    def get(self, shape: tuple[int, ...], dtype: str, place: int, device: str) -> torch.Tensor:
        """Raises EOFError when the file is shorter than that."""
        kind = DTYPES[dtype]
        buffer = torch.empty(max(1, torch.Size(shape).numel()) * kind.itemsize, dtype=torch.uint8)
        view = memoryview(buffer.numpy())
        while view:
            count = os.preadv(self._file, [view], place)
            if count == 0:
                raise EOFError("the exchange file is shorter than it has to be")
            view, place = view[count:], place + count
        return buffer.to(device).view(kind).view(shape)

    def close(self) -> None:
        os.close(self._file)


def bits_of(tensor: torch.Tensor, places: list[int]) -> list[int]:
    """Elements of a tensor as integers of its width."""
    kinds = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    flat = tensor.reshape(-1).view(kinds[tensor.element_size()])
    return [int(one) for one in flat[torch.tensor(places, dtype=torch.int64, device=tensor.device)].cpu()]
