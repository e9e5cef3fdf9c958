"""The judge's end of the two pipes to a kernel host. The only clock that counts is read here."""

from __future__ import annotations

import os
import select
import time
from dataclasses import dataclass

from assay_judge import kernel_protocol as protocol
from assay_judge.kernel_problems import Sizes
from assay_judge.protocol import HostFailure


@dataclass(frozen=True)
class Reply:
    wall_ns: int
    """From before the request was written to after the reply was read, on the judge's clock."""
    claimed_wall_ns: int
    claimed_cpu_ns: int
    text: str


class KernelPeer:
    """`deadline` is a time.monotonic() value; what is not answered by then is a timeout."""

    def __init__(self, to_host: int, from_host: int, deadline: float) -> None:
        self._to_host = to_host
        self._from_host = from_host
        self._deadline = deadline
        self.replies = 0
        self.doing = "before its first call"
        os.set_blocking(to_host, False)
        os.set_blocking(from_host, False)
        self._readable = select.poll()
        self._readable.register(from_host, select.POLLIN)

    def ask(self, operation: int, kernel: int = 0, sizes: Sizes = (), places: tuple[int, ...] = ()) -> Reply:
        """Raises HostFailure when the host fails, falls silent, ends, or says what is no reply to this."""
        # A reply that was prepared before its request cannot know this number.
        request_id = int.from_bytes(os.urandom(8), "little")
        numbers = [*sizes, *[0] * (3 - len(sizes)), *places, *[0] * (4 - len(places))]
        request = protocol.REQUEST.pack(protocol.REQUEST_MAGIC, request_id, operation, kernel, *numbers)
        started = time.monotonic_ns()
        try:
            os.write(self._to_host, request)  # shorter than PIPE_BUF: whole or not at all
        except BrokenPipeError:
            pass  # what it said before it ended is read below
        except BlockingIOError:
            raise HostFailure("invalid-metric", "the kernel host reads no requests") from None
        header = self._read(protocol.REPLY.size)
        ended = time.monotonic_ns()
        magic, got_id, status, wall, cpu, size = protocol.REPLY.unpack(header)
        known = status in (protocol.OK, protocol.FAILED) and size <= protocol.MAX_TEXT_BYTES
        if magic != protocol.REPLY_MAGIC or got_id != request_id or not known:
            raise HostFailure("invalid-metric", "the kernel host sent something that is no reply to this request")
        decoded = self._read(size).decode("utf-8", errors="replace")
        text = "".join(letter if letter.isprintable() else " " for letter in decoded).strip()
        if status == protocol.FAILED:
            raise HostFailure("crash", f"the kernel host failed {self.doing}: {text}")
        self.replies += 1
        return Reply(ended - started, wall, cpu, text)

    def expect_silence(self) -> None:
        """Raises HostFailure if bytes are waiting that no request asked for."""
        if self._readable.poll(0) and os.read(self._from_host, 1):
            raise HostFailure("invalid-metric", "the kernel host sent more than it was asked for")

    def quit(self, seconds: float) -> bool:
        """Asks the host to end; whether its end of the pipe was closed in time, with nothing more said."""
        self.ask(protocol.QUIT)
        return bool(self._readable.poll(seconds * 1000)) and os.read(self._from_host, 1) == b""

    def _read(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            left = self._deadline - time.monotonic()
            if left <= 0 or not self._readable.poll(left * 1000):
                raise HostFailure("timeout", f"the kernel host did not answer in time {self.doing}")
            part = os.read(self._from_host, size - len(parts))
            if not part:
                raise HostFailure("crash", f"the kernel host ended {self.doing}")
            parts += part
        return bytes(parts)
