"""The messages between the judge and a model host, and the judge's bounded way to exchange them.

The first request carries the checkpoint; every other one is a header and `rows * length` bytes of text. A reply is a
header and nothing (the model is loaded), or `rows * length * vocabulary` float32 logits, or, when the host failed, at
most MAX_ERROR_BYTES of text. All numbers are little-endian. The judge treats every byte of a reply as hostile: it knows
the one header it expects before it reads, allocates only what it asked for, and waits no longer than its deadline.

Each header also says what the candidate's processes have cost up to then. Those numbers are measured by the host's own
process, which never runs code of the candidate; see model_host.py.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import time
from dataclasses import dataclass

import numpy as np

VOCABULARY = 256
REQUEST_MAGIC = b"AQ03"
REPLY_MAGIC = b"AR03"
REQUEST_HEADER = struct.Struct("<4sBQII")
"""Magic, kind, request id, rows, length. For REQUEST_LOAD, rows is the size of the checkpoint in bytes."""
REQUEST_LOAD = 0
REQUEST_LOGITS = 1
REPLY_HEADER = struct.Struct("<4sQBIIIQQIII")
"""Magic, request id, status, rows, length, vocabulary; then microseconds of CPU time, of all and of the loader,
processes, threads, open devices of the loader.

For an error, rows is the size of the text in bytes.
"""
STATUS_LOGITS = 0
STATUS_ERROR = 1
STATUS_LOADED = 2
MAX_ERROR_BYTES = 4096
MAX_ROWS = 256
MAX_LENGTH = 4096
PIPE_BYTES = 1 << 20
LOGITS_DTYPE = np.dtype("<f4")


@dataclass(frozen=True)
class Cost:
    """What all processes with code of the candidate have cost since the first of them started."""

    cpu_seconds: float
    loader_seconds: float
    """CPU time of the process that loaded the model, children apart. Once it has, it only forks and waits."""
    processes: int
    """Those that are there at the moment, the one that answers included."""
    threads: int
    """Of the process that loaded the model."""
    at: float
    """time.monotonic() of the judge when it read this."""
    devices: int = 0
    """Accelerator device files that the process which loaded the model holds. Its answers may use one, it may not."""


class HostFailure(Exception):
    """There is no score. `failure` is the verdict's kind: invalid-metric, crash or timeout."""

    def __init__(self, failure: str, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure
        self.reason = reason


class WrongShape(HostFailure):
    """The model answered with something else than logits over all bytes. A slip does this too."""


class ProtocolBroken(HostFailure):
    """The host itself, which runs no code of the candidate, sent what it never sends, or was ended."""


def grow_pipe(descriptor: int) -> None:
    """Asks for a larger pipe buffer (fewer wake-ups). What is no pipe, or may not grow, stays as it is."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        pass


class Peer:
    """The judge's end of the two pipes to a model host.

    `deadline` is a time.monotonic() value; an exchange that is not done by then is a timeout.
    """

    def __init__(self, to_host: int, from_host: int, deadline: float) -> None:
        self._to_host = to_host
        self._from_host = from_host
        self._deadline = deadline
        for descriptor in (to_host, from_host):
            os.set_blocking(descriptor, False)
            grow_pipe(descriptor)

    def load(self, checkpoint: bytes) -> Cost:
        """Hands over the checkpoint and waits until the model is loaded. Raises HostFailure."""
        request_id, header = self._header(REQUEST_LOAD, len(checkpoint), 0)
        self._write(header)
        self._write(checkpoint)
        _, cost = self._reply(request_id, STATUS_LOADED)
        return cost

    def logits(self, tokens: np.ndarray) -> tuple[np.ndarray, Cost]:
        """Sends uint8 [B,T], returns float32 [B,T,256]; values are not checked here. Raises HostFailure."""
        rows, length = tokens.shape
        request_id, header = self._header(REQUEST_LOGITS, rows, length)
        self._write(header + np.ascontiguousarray(tokens, dtype=np.uint8).tobytes())
        got, cost = self._reply(request_id, STATUS_LOGITS)
        if got != (rows, length, VOCABULARY):
            raise WrongShape("invalid-metric", f"logits have shape {got}, not {(rows, length, VOCABULARY)}")
        logits = np.empty((rows, length, VOCABULARY), dtype=LOGITS_DTYPE)
        self._read_into(memoryview(logits).cast("B"))
        return logits, cost

    @staticmethod
    def _header(kind: int, rows: int, length: int) -> tuple[int, bytes]:
        # A reply that was prepared before its request cannot know this number.
        request_id = int.from_bytes(os.urandom(8), "little")
        return request_id, REQUEST_HEADER.pack(REQUEST_MAGIC, kind, request_id, rows, length)

    def _reply(self, request_id: int, expected: int) -> tuple[tuple[int, int, int], Cost]:
        """Reads one header: the shape that it gives, and the cost so far."""
        header = bytearray(REPLY_HEADER.size)
        self._read_into(memoryview(header))
        fields = REPLY_HEADER.unpack(header)
        magic, got_id, status, rows, length, vocabulary, micro, loader, processes, threads, devices = fields
        if magic != REPLY_MAGIC or got_id != request_id or status not in (expected, STATUS_ERROR):
            raise ProtocolBroken("invalid-metric", "the model host sent something that is no reply to this request")
        if status == STATUS_ERROR:
            raise HostFailure("crash", f"the model failed: {self._error_text(rows)}")
        return (rows, length, vocabulary), Cost(
            micro / 1e6, loader / 1e6, processes, threads, time.monotonic(), devices
        )

    def expect_silence(self) -> None:
        """Raises HostFailure if bytes are waiting that no request asked for."""
        readable, _, _ = select.select([self._from_host], [], [], 0)
        if readable and os.read(self._from_host, 1):
            raise ProtocolBroken("invalid-metric", "the model host sent more than it was asked for")

    def _error_text(self, size: int) -> str:
        """The host's own words, cut to MAX_ERROR_BYTES and to printable characters. They prove nothing."""
        text = bytearray(min(size, MAX_ERROR_BYTES))
        self._read_into(memoryview(text))
        decoded = text.decode("utf-8", errors="replace")
        return "".join(letter if letter.isprintable() else " " for letter in decoded).strip()

    def _wait(self, readers: list[int], writers: list[int]) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0 or not any(select.select(readers, writers, [], left)):
            raise HostFailure("timeout", "the model host did not answer in time")

    def _write(self, message: bytes) -> None:
        view = memoryview(message)
        while view:
            self._wait([], [self._to_host])
            try:
                view = view[os.write(self._to_host, view) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                # What the host said before it ended is worth more than the fact that it ended.
                return

    def _read_into(self, view: memoryview) -> None:
        while view:
            self._wait([self._from_host], [])
            try:
                count = os.readv(self._from_host, [view])
            except BlockingIOError:
                continue
            if count == 0:
                raise ProtocolBroken("crash", "the model host ended before it had answered")
            view = view[count:]


def read_exactly(descriptor: int, size: int) -> bytes | None:
    """For the host: blocks until `size` bytes came; None when the stream ended."""
    parts = []
    while size:
        part = os.read(descriptor, size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def write_all(descriptor: int, message: bytes | memoryview) -> None:
    """For the host: blocks until all is written."""
    view = memoryview(message)
    while view:
        view = view[os.write(descriptor, view) :]
