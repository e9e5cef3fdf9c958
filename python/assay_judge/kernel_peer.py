"""The judge's end of the two pipes to a kernel host. The only clock that counts is read here."""

from __future__ import annotations

import os
import select
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from assay_judge import kernel_protocol as protocol
from assay_judge.kernel_build import compile_library
from assay_judge.kernel_loop import ENDED, LATE, Loop
from assay_judge.kernel_problems import Sizes
from assay_judge.protocol import HostFailure

LOOP_SOURCE = Path(__file__).with_name("kernel_loop.c")
LOOP_FLAGS = ["-O2", "-std=gnu11", "-fPIC", "-shared", "-pipe"]


@dataclass(frozen=True)
class Reply:
    wall_ns: int
    """From before the request was written to after the reply was read, on the judge's clock."""
    claimed_wall_ns: int
    claimed_cpu_ns: int
    text: str
    knock_ns: int = 0
    """What the empty call before this one took; 0 where there was none."""


class KernelPeer:
    """`deadline` is a time.monotonic() value; what is not answered by then is a timeout."""

    def __init__(self, to_host: int, from_host: int, deadline: float, loop: Loop) -> None:
        self._to_host = to_host
        self._from_host = from_host
        self._deadline = deadline
        self._loop = loop
        self.replies = 0
        self.doing = "before its first call"
        os.set_blocking(to_host, False)
        os.set_blocking(from_host, False)
        self._readable = select.poll()
        self._readable.register(from_host, select.POLLIN)

    def ask(self, operation: int, kernel: int = 0, sizes: Sizes = (), places: tuple[int, ...] = ()) -> Reply:
        """Raises HostFailure when the host fails, falls silent, ends, or says what is no reply to this."""
        knock_id, knock = _request(protocol.CALL, protocol.STAND_IN, (), ())
        request_id, request = _request(operation, kernel, sizes, places)
        knock_ns = self._send(knock, knock_id)[0] if operation == protocol.CALL else 0
        taken, status, wall, cpu, size = self._send(request, request_id)
        decoded = self._read(size).decode("utf-8", errors="replace")
        text = "".join(letter if letter.isprintable() else " " for letter in decoded).strip()
        if status == protocol.FAILED:
            raise HostFailure("crash", f"the kernel host failed {self.doing}: {text}")
        self.replies += 1
        return Reply(taken, wall, cpu, text, knock_ns)

    def _send(self, request: bytes, request_id: int) -> tuple[int, int, int, int, int]:
        """Nanoseconds, and of the reply: status, claimed wall and CPU nanoseconds, bytes of text."""
        left = max(0, int((self._deadline - time.monotonic()) * 1e9))
        taken, header = self._loop.ask(self._to_host, self._from_host, request, left)
        if taken < 0:
            raise self._failure(taken)
        magic, got_id, status, wall, cpu, size = protocol.REPLY.unpack(header)
        known = status in (protocol.OK, protocol.FAILED) and size <= protocol.MAX_TEXT_BYTES
        if magic != protocol.REPLY_MAGIC or got_id != request_id or not known:
            raise HostFailure("invalid-metric", "the kernel host sent something that is no reply to this request")
        return taken, status, wall, cpu, size

    def expect_silence(self) -> None:
        """Raises HostFailure if bytes are waiting that no request asked for."""
        if self._readable.poll(0) and os.read(self._from_host, 1):
            raise HostFailure("invalid-metric", "the kernel host sent more than it was asked for")

    def quit(self, seconds: float) -> bool:
        """Asks the host to end; whether its end of the pipe was closed in time, with nothing more said."""
        self.ask(protocol.QUIT)
        return bool(self._readable.poll(seconds * 1000)) and os.read(self._from_host, 1) == b""

    def _failure(self, why: int) -> HostFailure:
        if why == LATE:
            return HostFailure("timeout", f"the kernel host did not answer in time {self.doing}")
        if why == ENDED:
            return HostFailure("crash", f"the kernel host ended {self.doing}")
        return HostFailure("invalid-metric", "the kernel host reads no requests")

    def _read(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            left = self._deadline - time.monotonic()
            if left <= 0 or not self._readable.poll(left * 1000):
                raise self._failure(LATE)
            part = os.read(self._from_host, size - len(parts))
            if not part:
                raise self._failure(ENDED)
            parts += part
        return bytes(parts)


def _request(operation: int, kernel: int, sizes: Sizes, places: tuple[int, ...]) -> tuple[int, bytes]:
    """Its number and its bytes. A reply that was prepared before its request cannot know the number."""
    request_id = int.from_bytes(os.urandom(8), "little")
    numbers = [*sizes, *[0] * (3 - len(sizes)), *places, *[0] * (4 - len(places))]
    return request_id, protocol.REQUEST.pack(protocol.REQUEST_MAGIC, request_id, operation, kernel, *numbers)


def hand_over_loop(scratch: Path, exchange: Path) -> Loop:
    """Compiles the loop and lays it where the host loads it; no candidate code runs there yet. Raises BuildError."""
    library = scratch / protocol.LOOP_FILE
    compile_library(LOOP_SOURCE, library, LOOP_FLAGS)
    shutil.copy(library, exchange / protocol.LOOP_FILE)
    return Loop(library)
