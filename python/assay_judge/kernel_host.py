"""Runs a candidate's C kernels for the judge. Sandboxed: it holds the library and what lies in the exchange.

    python -P -m assay_judge.kernel_host --library <folder>/kernels.so --exchange <folder>

Requests come on the first standard input, replies go to the first standard output (see kernel_protocol.py); both are
moved to private descriptors. One request is one call, answered in C (kernel_loop.c), and the host knows nothing else of
it: not whether it is timed, not which data it gets. Candidate code runs in this process from LOAD on: what it says
after that is a claim.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    sys.stderr.write("kernel_host: start Python with -I or -P, else the workspace can shadow its modules\n")
    sys.exit(2)

import argparse
import ctypes
import gc
import hashlib
import mmap
import os
import resource
import time
from pathlib import Path

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge import kernel_protocol as protocol
from assay_judge.kernel_loop import Loop

PAGE_BYTES = 4096
OWN_NAMESPACE_PID = 16
"""A sandbox of its own has few processes before the host: a number up to this is the host's there."""

Answer = tuple[int, int, int, bytes]
"""Status, claimed wall and CPU nanoseconds, text."""


class Area:
    """The shared file, mapped. `address`: of its first byte."""

    def __init__(self, path: str, size: int) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            self.map = mmap.mmap(descriptor, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        finally:
            os.close(descriptor)
        # Every page is touched for writing now, so that no call pays for it.
        for place in range(0, size, PAGE_BYTES):
            self.map[place] = self.map[place]
        self.size = size
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))


class Host:
    def __init__(self, library: str, exchange: str) -> None:
        self._library = library
        self._exchange = exchange
        self._area: Area | None = None
        self._loop: Loop | None = None

    def answer(self, operation: int, sizes: tuple[int, ...]) -> Answer:
        """To all but calls."""
        if operation == protocol.OPEN:
            self._loop = Loop(Path(self._exchange, protocol.LOOP_FILE))
            self._area = Area(os.path.join(self._exchange, protocol.AREA_FILE), sizes[0])
            return protocol.OK, 0, 0, b""
        if operation == protocol.LOAD:
            return self._load()
        if operation == protocol.USAGE:
            return protocol.OK, len(os.listdir("/proc/self/task")), _cpu(), _last_started()
        if operation == protocol.QUIT:
            return protocol.OK, 0, 0, b""
        raise RuntimeError("there is nothing yet that could be called")

    def next_request(self, requests: int, replies: int) -> bytes:
        """The next one that is no call; those are answered on the way. Nothing when the stream ended."""
        if self._loop is None or self._area is None:
            return read_exactly(requests, protocol.REQUEST.size)
        return self._loop.answer(requests, replies, self._area.address)

    def _load(self) -> Answer:
        if self._loop is None:
            raise RuntimeError("nothing is open yet")
        with open(self._library, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        wall, cpu = time.monotonic_ns(), _cpu()
        library = ctypes.CDLL(self._library, mode=os.RTLD_NOW | os.RTLD_LOCAL)
        wall, cpu = time.monotonic_ns() - wall, _cpu() - cpu
        # By their names only, whatever else the library exports.
        self._loop.take([ctypes.cast(library[name], ctypes.c_void_p).value or 0 for name in protocol.KERNELS])
        return protocol.OK, wall, cpu, digest.encode()


def _last_started() -> bytes:
    """The last number given to a process or thread of this namespace; nothing where others share the namespace."""
    if os.getpid() > OWN_NAMESPACE_PID:
        return b""
    with open("/proc/loadavg", "rb") as file:
        return file.read().split()[-1]


def _cpu() -> int:
    """CPU nanoseconds of all threads of this process."""
    return time.clock_gettime_ns(time.CLOCK_PROCESS_CPUTIME_ID)


def serve(requests: int, replies: int, host: Host) -> None:
    """Answers requests until the judge says QUIT or closes the stream."""
    while message := host.next_request(requests, replies):
        magic, request_id, operation, _, *numbers = protocol.REQUEST.unpack(message)
        if magic != protocol.REQUEST_MAGIC:
            raise SystemExit("kernel_host: the stream holds something that is no request")
        try:
            status, wall, cpu, text = host.answer(operation, tuple(numbers[:3]))
        except Exception as error:
            status, wall, cpu, text = protocol.FAILED, 0, 0, f"{type(error).__name__}: {error}".encode()
        text = text[: protocol.MAX_TEXT_BYTES]
        write_all(replies, protocol.REPLY.pack(protocol.REPLY_MAGIC, request_id, status, wall, cpu, len(text)) + text)
        if operation == protocol.QUIT:
            return


def read_exactly(descriptor: int, size: int) -> bytes:
    """Blocks until `size` bytes came; fewer when the stream ended."""
    message = os.read(descriptor, size)
    while 0 < len(message) < size:
        part = os.read(descriptor, size - len(message))
        if not part:
            return b""
        message += part
    return message


def write_all(descriptor: int, message: bytes) -> None:
    while message:
        message = message[os.write(descriptor, message) :]


def take_streams() -> tuple[int, int]:
    """Moves standard input and output to private descriptors, then points 0 at nothing and 1 at 2."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, replies


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a candidate's C kernels for the judge over pipes.")
    parser.add_argument("--library", required=True, dest="built")
    parser.add_argument("--exchange", default=os.environ.get("ASSAY_EXCHANGE"), help="folder shared with the judge")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    requests, replies = take_streams()
    gc.collect()
    gc.freeze()
    gc.disable()
    serve(requests, replies, Host(options.built, options.exchange))
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
