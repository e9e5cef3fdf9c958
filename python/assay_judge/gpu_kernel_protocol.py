"""The messages between the judge of GPU kernels and the process that hosts a candidate's kernels, and the judge's end.

A message is a header and JSON. Tensors travel through one file in the exchange folder, in pieces whose places the
judge names. Every byte of a reply and of the file is hostile; times that the host names are claims.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time

from assay_judge.protocol import HostFailure

AREA_FILE = "area"
REQUEST_MAGIC = b"GQ01"
REPLY_MAGIC = b"GR01"
REQUEST = struct.Struct("<4sQBI")
"""Magic, request id, operation, size of the JSON that follows."""
REPLY = struct.Struct("<4sQBI")
"""Magic, request id, status, size of the JSON that follows."""
MAX_REPLY_BYTES = 1 << 20

GREETING = 32
"""Bytes by which judge and host find out that they see the same memory."""

OPEN = 0
"""The exchange file is there, and perhaps shared memory. Nothing of the candidate's is loaded."""
LOAD = 1
"""Load the solution. Replies with the SHA-256 of what was loaded."""
SHAPE = 2
"""Make room for `sets` sets of these tensors."""
LAY = 3
"""Copy bases from the file to the device."""
SET_UP = 4
"""Put global state back, and have every set ready: made from its base and the changes named, outputs poisoned, caches
full of something else. In shared memory the judge does that itself, and the host only learns the places."""
GO = 5
"""Call the kernel once for each set, in this order; the judge's clock runs. Replies when the device is idle. Before
LOAD the host makes calls of its own that write every output."""
SAMPLE = 6
"""A few elements of outputs, as bits; the judge's clock still runs."""
TAKE = 7
"""Copy whole tensors into the file."""
QUIT = 8

OK = 0
FAILED = 1


class GpuKernelPeer:
    """`deadline` is a time.monotonic() value; what is not answered by then is a timeout."""

    def __init__(self, to_host: int, from_host: int, deadline: float) -> None:
        self._to_host = to_host
        self._from_host = from_host
        self._deadline = deadline
        self.replies = 0
        self.doing = "before its first call"
        self._readable = select.poll()
        self._readable.register(from_host, select.POLLIN)

    def ask(self, operation: int, **content: object) -> dict:
        """Raises HostFailure when the host fails, falls silent, ends, or says what is no reply to this."""
        # A reply that was prepared before its request cannot know this number.
        request_id = int.from_bytes(os.urandom(8), "little")
        body = json.dumps(content).encode()
        view = memoryview(REQUEST.pack(REQUEST_MAGIC, request_id, operation, len(body)) + body)
        try:
            while view:
                view = view[os.write(self._to_host, view) :]
        except BrokenPipeError:
            pass  # what it said before it ended is read below
        magic, got_id, status, size = REPLY.unpack(self._read(REPLY.size))
        if magic != REPLY_MAGIC or got_id != request_id or status not in (OK, FAILED) or size > MAX_REPLY_BYTES:
            raise HostFailure("invalid-metric", "the kernel host sent something that is no reply to this request")
        try:
            reply = json.loads(self._read(size))
        except (ValueError, RecursionError) as error:
            raise HostFailure("invalid-metric", "the kernel host sent a reply that cannot be read") from error
        if not isinstance(reply, dict):
            raise HostFailure("invalid-metric", "the kernel host sent a reply of another form")
        if status == FAILED:
            words = "".join(letter if letter.isprintable() else " " for letter in str(reply.get("error")))[:2000]
            raise HostFailure("crash", f"the kernel host failed {self.doing}: {words}")
        self.replies += 1
        return reply

    def expect_silence(self) -> None:
        """Raises HostFailure if bytes are waiting that no request asked for."""
        if self._readable.poll(0) and os.read(self._from_host, 1):
            raise HostFailure("invalid-metric", "the kernel host sent more than it was asked for")

    def quit(self, seconds: float) -> bool:
        """Asks the host to end; whether its end of the pipe was closed in time, with nothing more said."""
        self.ask(QUIT)
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


def number_of(reply: dict, key: str) -> float:
    """A finite number that the host claims. Raises HostFailure."""
    value = reply.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e18:
        raise HostFailure("invalid-metric", f"the kernel host's reply has no number {key}")
    return float(value)
