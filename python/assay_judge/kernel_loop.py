"""Both ends of one call, in C: no Python runs between the two readings of the judge's clock. See kernel_loop.c.

The judge compiles it before each trial and lays it into the exchange, where the host loads it before the candidate.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

from assay_judge import kernel_protocol as protocol

ENDED = -1
LATE = -2
"""What `ask` returns instead of nanoseconds; anything else below zero: the request could not be written."""


class Loop:
    """One loaded library."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library), mode=os.RTLD_NOW | os.RTLD_LOCAL)
        sizes = [ctypes.c_int64.in_dll(self._library, name).value for name in ("request_bytes", "reply_bytes")]
        if sizes != [protocol.REQUEST.size, protocol.REPLY.size]:
            raise RuntimeError(f"messages of {sizes} bytes are not those of the protocol")
        self._ask = self._library.ask
        self._ask.restype = ctypes.c_int64
        self._ask.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int64]
        self._answer = self._library.answer_calls
        self._answer.restype = ctypes.c_int
        self._answer.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        self._reply = ctypes.create_string_buffer(protocol.REPLY.size)
        self._request = ctypes.create_string_buffer(protocol.REQUEST.size)
        self._kernels = (ctypes.c_void_p * (protocol.STAND_IN + 1))()
        self._kernels[protocol.STAND_IN] = ctypes.cast(self._library.stand_in, ctypes.c_void_p).value

    def ask(self, to_host: int, from_host: int, request: bytes, most_ns: int) -> tuple[int, bytes]:
        """For the judge: nanoseconds until the head of the reply was read, or a number below zero; and the head."""
        taken = self._ask(to_host, from_host, request, self._reply, most_ns)
        return taken, self._reply.raw

    def take(self, kernels: Sequence[int]) -> None:
        """For the host: addresses of the kernels, by number."""
        self._kernels[: len(kernels)] = kernels

    def answer(self, requests: int, replies: int, area: int) -> bytes:
        """For the host: answers calls with the file at `area` until something else is asked, which it returns;
        nothing where the stream ended."""
        other = self._answer(requests, replies, area, self._kernels, self._request)
        return self._request.raw if other else b""
