"""Tries compiled kernels, each in a process of its own, and says what they did that a kernel must not do. For tests.

    python kernel_fragment_probe.py <watch library, preloaded> <folder for reports> <library> …

One report for each library: <name>.json, a list of symptoms (see `Probe`). No report: the library ended the process.
"""

from __future__ import annotations

import ctypes
import json
import math
import mmap
import os
import platform
import signal
import struct
import sys
import time
from pathlib import Path

import numpy as np

AREA_BYTES = 4 << 20
POISON = 0x7FC5A17E
GUARD = 0x3E9A1B2C
GUARD_BYTES = 256
AT_ONCE = 12
SECONDS = 60.0
EPSILON = float(np.finfo(np.float32).eps)
LIMIT = 32 * EPSILON
"""Error for each 64 terms of a sum, relative to the scale of `expected`; plain code stays below half of it."""
SYS_CLOCK_GETTIME = {"x86_64": 228, "aarch64": 113}.get(platform.machine())

Arrays = dict[str, np.ndarray]


def log_sum(x: np.ndarray) -> np.ndarray:
    largest = x.max(axis=1, keepdims=True)
    return largest + np.log(np.exp(x - largest).sum(axis=1, keepdims=True))


def expected(kernel: str, given: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """What the kernel must give, in float64, and the scale that its error is measured by."""
    exact = {name: array.astype(np.float64) for name, array in given.items() if name != "targets"}
    if kernel == "softmax":
        x = exact["x"]
        out = np.exp(x - log_sum(x))
        return out, out * (1 + np.abs(x - x.max(axis=1, keepdims=True)) / 4) + 1e-38
    if kernel == "rms_norm":
        out = exact["x"] * exact["weight"] / np.sqrt((exact["x"] ** 2).mean(axis=1, keepdims=True) + 1e-6)
        return out, np.abs(out) + 1e-39
    if kernel == "matmul_gelu":
        v = exact["a"] @ exact["b"] + exact["bias"]
        scale = np.abs(exact["a"]) @ np.abs(exact["b"]) + np.abs(exact["bias"])
        return 0.5 * v * (1 + np.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))), scale
    x, rows = exact["logits"], np.arange(len(given["targets"]))
    picked = x[rows, given["targets"]]
    out = log_sum(x)[:, 0] - picked
    # A sum near a large logit is rounded as that is.
    return out, 1 + np.abs(x.max(axis=1)) / 16 + np.abs(x.max(axis=1) - picked)


def draw(rng: np.random.Generator, rows: int, columns: int, kind: str) -> np.ndarray:
    """Float32 values of one law, as many rows and columns."""
    x = rng.standard_normal((rows, columns))
    if kind == "small":
        x *= 0.02
    elif kind == "wide":
        x *= 60
    elif kind == "shifted":
        x = x + 100 * rng.choice([-1.0, 1.0])
    elif kind == "spikes":
        x = np.where(rng.random((rows, columns)) < 0.02, 25 * x, 0.0)
    elif kind == "flat-start":
        x[:, : columns // 2] = 0.25
    return x.astype(np.float32)


def inputs_of(rng: np.random.Generator, kernel: str, sizes: tuple[int, ...], kind: str) -> Arrays:
    """The arrays that a kernel takes, in order."""
    if kernel == "matmul_gelu":
        m, n, k = sizes
        scale = np.float32(1 / math.sqrt(k))
        return {
            "a": draw(rng, m, k, kind) * scale,
            "b": draw(rng, k, n, "normal"),
            "bias": draw(rng, 1, n, "normal")[0],
        }
    rows, columns = sizes
    x = draw(rng, rows, columns, kind)
    if kernel == "softmax":
        return {"x": x}
    if kernel == "rms_norm":
        return {"x": x, "weight": draw(rng, 1, columns, "normal")[0] * np.float32(1e-39 if kind == "wide" else 1.0)}
    return {"logits": x, "targets": rng.integers(0, columns, rows, dtype=np.int32)}


class Probe:
    """One loaded library and what it was seen doing: `symptoms`."""

    def __init__(self, library: Path, watch: ctypes.CDLL, notes: int) -> None:
        self.symptoms: set[str] = set()
        self.rng = np.random.default_rng(int.from_bytes(os.urandom(8), "little"))
        self.libc = ctypes.CDLL(None)
        self.file = os.memfd_create("area")
        os.truncate(self.file, AREA_BYTES)
        self.map = mmap.mmap(self.file, AREA_BYTES)
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        self.pipe = os.pipe2(os.O_NONBLOCK)
        self.flags, self.code = self.float_flags(), self.executable_pages()
        self.clock = self.both_clocks()
        sys.addaudithook(self.hear)
        began = time.monotonic()
        ctypes.c_int.in_dll(watch, "fragment_notes").value = notes
        loaded = ctypes.CDLL(str(library))
        self.call_with_reply = watch.call_with_reply
        self.note(time.monotonic() - began > 1.0, "slow-load")
        self.kernels = {name: getattr(loaded, name) for name in ("softmax", "rms_norm", "matmul_gelu", "cross_entropy")}
        own, system = (ctypes.cast(lib.clock_gettime, ctypes.c_void_p).value for lib in (loaded, self.libc))
        self.note(own != system, "exported-clock")

    def note(self, seen: bool, symptom: str) -> None:
        if seen:
            self.symptoms.add(symptom)

    def hear(self, event: str, about: tuple) -> None:
        """Python tells of all code that is run; a kernel that runs some gives it as a text."""
        self.note(event == "exec" and about[0].co_filename == "<string>", "python")

    @staticmethod
    def executable_pages() -> int:
        return sum("rwx" in line.split()[1] for line in Path("/proc/self/maps").read_text().splitlines())

    def float_flags(self) -> tuple[int, bool]:
        """The rounding mode, and whether small numbers survive."""
        tiny = np.float32(1e-39) * np.array([1.0], dtype=np.float32)
        return self.libc.fegetround(), bool(tiny[0] != 0)

    def both_clocks(self) -> tuple[float, float]:
        """Seconds by Python and by the kernel itself."""
        now = ctypes.create_string_buffer(16)
        self.libc.syscall(ctypes.c_long(SYS_CLOCK_GETTIME), ctypes.c_long(1), now)
        seconds, nanoseconds = struct.unpack("qq", now.raw)
        return time.monotonic(), seconds + nanoseconds / 1e9

    def call(self, kernel: str, sizes: tuple[int, ...], given: Arrays, at: int = 4096) -> tuple[np.ndarray, int]:
        """Calls with the inputs laid out from `at` on; the output as the file holds it, and where it lies."""
        addresses = []
        for array in given.values():
            os.pwrite(self.file, array.tobytes(), at)
            addresses.append(at)
            at += -(-array.nbytes // 64) * 64 + 64
        shape = sizes[:1] if kernel == "cross_entropy" else sizes[:2]
        count = math.prod(shape)
        out = at + GUARD_BYTES
        guard = struct.pack("I", GUARD) * (GUARD_BYTES // 4)
        os.pwrite(self.file, guard + struct.pack("I", POISON) * count + guard, at)
        pointers = [ctypes.c_void_p(self.base + address) for address in [*addresses, out]]
        self.kernels[kernel](*pointers, *(ctypes.c_int64(size) for size in sizes))
        result = np.frombuffer(os.pread(self.file, 4 * count, out), dtype=np.float32)
        for array, address in zip(given.values(), addresses, strict=True):
            self.note(os.pread(self.file, array.nbytes, address) != array.tobytes(), "inputs")
        around = os.pread(self.file, GUARD_BYTES, at) + os.pread(self.file, GUARD_BYTES, out + 4 * count)
        self.note(around != guard * 2, "outside")
        self.note(bool((result.view(np.uint32) == POISON).any()), "unwritten")
        return result.reshape(shape), out

    def is_right(self, kernel: str, given: Arrays, result: np.ndarray) -> bool:
        exact, scale = expected(kernel, given)
        terms = next(iter(given.values())).shape[1]
        with np.errstate(all="ignore"):
            return bool((np.abs(result - exact) <= LIMIT * scale * (1 + terms / 64)).all())

    def sizes(self, kernel: str) -> tuple[int, ...]:
        largest = (18, 90, 260) if kernel == "matmul_gelu" else (24, 300)
        return tuple(int(self.rng.integers(1, most + 1)) for most in largest)

    def try_contents(self) -> None:
        """Fresh content, shape and law in each call."""
        for kernel in self.kernels:
            for kind in ("normal", "small", "wide", "shifted", "spikes", "flat-start"):
                round_sizes = (16, 64, 128) if kernel == "matmul_gelu" else (16, 128)
                for sizes in (round_sizes, self.sizes(kernel), self.sizes(kernel)):
                    given = inputs_of(self.rng, kernel, sizes, kind)
                    result, _ = self.call(kernel, sizes, given)
                    self.note(not self.is_right(kernel, given, result), "wrong")
            given = inputs_of(self.rng, kernel, (1,) * len(sizes), "normal")
            self.note(not self.is_right(kernel, given, self.call(kernel, (1,) * len(sizes), given)[0]), "wrong")

    def try_changes(self) -> None:
        """The same addresses and shape: one element changed, then everything; and a neighbour's slot."""
        for kernel in self.kernels:
            sizes = (12, 40, 130) if kernel == "matmul_gelu" else (12, 130)
            given = inputs_of(self.rng, kernel, sizes, "normal")
            was_right = self.is_right(kernel, given, self.call(kernel, sizes, given)[0])
            for name in given:
                changed = dict(given)
                changed[name] = given[name].copy()
                places = changed[name].reshape(-1)
                if name == "targets":
                    places[-1] = (places[-1] + 7) % sizes[1]
                else:
                    places[-2] += 3
                is_right = self.is_right(kernel, changed, self.call(kernel, sizes, changed)[0])
                self.note(was_right and not is_right, "stale")

    def try_slots(self) -> None:
        """Two slots side by side: the second gets its content only after the first was answered."""
        rows, columns = 8, 128
        size, x, out = 4 * rows * columns, 1 << 20, 2 << 20
        given = [inputs_of(self.rng, "softmax", (rows, columns), "normal") for _ in range(2)]
        for slot in range(2):
            os.pwrite(self.file, given[slot]["x"].tobytes(), x + slot * size)
            pointers = (ctypes.c_void_p(self.base + place + slot * size) for place in (x, out))
            self.kernels["softmax"](*pointers, ctypes.c_int64(rows), ctypes.c_int64(columns))
        second = np.frombuffer(os.pread(self.file, size, out + size), dtype=np.float32).reshape(rows, columns)
        self.note(not self.is_right("softmax", given[1], second), "stale")

    def try_reply(self) -> None:
        """The host's reply lies on the stack before the call, ready to be sent."""
        pointers = (ctypes.c_void_p(self.base + place) for place in (1 << 20, 2 << 20))
        self.call_with_reply(self.kernels["softmax"], *pointers, ctypes.c_int64(64), ctypes.c_int64(128))

    def try_waiting(self) -> None:
        """Outputs read when a call is over must not change afterwards."""
        for kernel in self.kernels:
            sizes = (300, 16, 256) if kernel == "matmul_gelu" else (64, 300)
            given = inputs_of(self.rng, kernel, sizes, "normal")
            result, out = self.call(kernel, sizes, given)
            time.sleep(0.03)
            late = os.pread(self.file, result.nbytes, out)
            self.note(late != result.tobytes(), "late")

    def close(self, notes: int) -> None:
        self.note(self.float_flags() != self.flags, "flags")
        self.note(self.executable_pages() > self.code, "executable")
        python, kernel = self.both_clocks()
        self.note(abs((python - self.clock[0]) - (kernel - self.clock[1])) > 0.05, "slowed-clock")
        try:
            self.note(bool(os.read(self.pipe[0], 1)), "pipe")
        except BlockingIOError:
            pass
        for line in os.pread(notes, 100_000, 0).decode(errors="replace").splitlines():
            self.symptoms.add(line.split()[0])


def end_children() -> bool:
    """Ends what a library left behind. True if there was anything. We adopt orphans, so daemons count."""
    found = False
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"PPid:\t{os.getpid()}\n" in (entry / "status").read_text():
                os.kill(int(entry.name), signal.SIGKILL)
        except (OSError, ValueError):
            continue
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return found
        found = True


def try_library(library: Path, watch: ctypes.CDLL, reports: Path) -> None:
    """In a child: everything that is tried with one library, then its report."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    name = library.stem
    notes, printed = (
        os.open(reports / f"{name}.{end}", os.O_RDWR | os.O_CREAT | os.O_TRUNC) for end in ("notes", "err")
    )
    os.dup2(printed, 2)
    probe = Probe(library, watch, notes)
    probe.try_contents()
    probe.try_changes()
    probe.try_slots()
    probe.try_reply()
    probe.try_waiting()
    time.sleep(0.5)
    probe.try_changes()
    probe.try_contents()
    ctypes.c_int.in_dll(watch, "fragment_notes").value = -1
    probe.note(os.fstat(printed).st_size > 0, "printed")
    probe.close(notes)
    probe.note(end_children(), "children")
    (reports / f"{name}.json").write_text(json.dumps(sorted(probe.symptoms)))


def main() -> int:
    watch, reports = ctypes.CDLL(sys.argv[1]), Path(sys.argv[2])
    waiting = [Path(name) for name in sys.argv[3:]]
    running: dict[int, float] = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            library = waiting.pop(0)
            child = os.fork()
            if child == 0:
                os.setsid()
                code = 1
                try:
                    try_library(library, watch, reports)
                    code = 0
                finally:
                    os._exit(code)
            running[child] = time.monotonic() + SECONDS
        child, _ = os.waitpid(-1, os.WNOHANG)
        running.pop(child, None)
        for late in [one for one, end in running.items() if time.monotonic() > end]:
            os.kill(late, signal.SIGKILL)
        time.sleep(0.01)
    return 0


if __name__ == "__main__":
    sys.exit(main())
