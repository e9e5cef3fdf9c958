"""Runs a training program for a few steps under torch's profiler: where its time goes, for whoever changes it next.

    python -P -m assay_judge.profile_training --preload torch,numpy --out {output}/profile.json train.py
    python -P -m assay_judge.profile_training --fed 256x257 ... train.py     one that gets its batches from a judge

The program's own code runs in this process and could write whatever it likes. So all of this is a claim: it is shown to
people and proposers as one, and decides nothing.

A step is what lies between two calls of `backward`. After --warm of them, some of which are timed without the profiler,
--steps are recorded; then the file is written and the process ends. With --fed the program's standard input and output
are joined to a stand-in for the judge of a speedrun (speedrun_train.py), which hands out random bytes.

Operations are counted from the shapes of matrix products and attention alone: 2 for each multiply-add, attention in
full although a causal mask leaves half of it out, its backward as 2.5 forwards (Dao, "FlashAttention-2",
arXiv:2307.08691, section 4.1). MFU is their rate over that of one large matrix product, measured here and now: bf16
on a GPU, float32 on a CPU.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    sys.stderr.write("profile_training: start Python with -I or -P, else the workspace can shadow its modules\n")
    sys.exit(2)

import argparse
import json
import math
import os
import platform
import resource
import runpy
import struct
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge.preload import clean_import_path, import_modules

SCHEMA = "assay.training-profile.v1"
MOST_NAMES = 12
NAME_LENGTH = 120
COUNTED = "matrix products and attention, from their shapes; attention in full, its backward as 2.5 forwards"
SPEEDRUN_HEADER = struct.Struct("<4sBI")
"""As in speedrun_train.py, which candidates do not see."""
READY, NEXT, SNAPSHOT, DONE, BATCH = range(5)


def operations_of(name: str, shapes: Sequence[Sequence[int]]) -> int:
    """Floating-point operations of one call of an operator; 0 for what is not counted. shapes: of its inputs."""
    if name in ("aten::mm", "aten::_scaled_mm", "aten::_int_mm"):
        return product(shapes, 0, 1)
    if name == "aten::addmm":
        return product(shapes, 1, 2)
    if name == "aten::bmm":
        return product(shapes, 0, 1)
    if name == "aten::baddbmm":
        return product(shapes, 1, 2)
    if name.startswith("aten::_scaled_dot_product_") and "math" not in name:
        # Forward: query, key, value; backward: the output's gradient first. Each [B,H,T,D].
        is_backward = name.endswith("_backward")
        query, key, value = shapes[1:4] if is_backward else shapes[0:3]
        if len(query) != 4 or len(key) != 4 or len(value) != 4:
            return 0
        batch, heads, length, width = query
        forward = 2 * batch * heads * length * key[2] * (width + value[3])
        return forward * 5 // 2 if is_backward else forward
    return 0


def product(shapes: Sequence[Sequence[int]], left: int, right: int) -> int:
    """[..., M,K] times [..., K,N]: 2 M K N for each of the batch; 0 for shapes that are unknown."""
    if len(shapes) <= right or len(shapes[left]) < 2 or len(shapes[right]) < 2:
        return 0
    return 2 * math.prod(shapes[left]) * shapes[right][-1]


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Length of the union of spans (begin, end): work that overlaps counts once."""
    total, reach = 0.0, -math.inf
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, reach))
        reach = max(reach, end)
    return total


class Recorder:
    """Counts steps, and records some of them."""

    def __init__(self, warm: int, steps: int) -> None:
        import torch

        self.torch = torch
        self.warm, self.steps = warm, steps
        self.calls = 0
        self.is_gpu = torch.cuda.is_available()
        activities = [torch.profiler.ProfilerActivity.CPU]
        if self.is_gpu:
            activities.append(torch.profiler.ProfilerActivity.CUDA)
        # One step to start the device's tracing, which takes seconds the first time.
        schedule = torch.profiler.schedule(wait=0, warmup=1, active=steps, repeat=1)
        self.profiler = torch.profiler.profile(activities=activities, schedule=schedule, record_shapes=True)
        self.plain_from = max(1, warm // 2)
        self.marks: dict[str, float] = {}

    def mark(self, name: str) -> None:
        """The time, when the device has done what it was given."""
        if self.is_gpu:
            self.torch.cuda.synchronize()
        self.marks[name] = time.perf_counter()

    def begins_backward(self) -> bool:
        """Called before each backward pass. True when everything was recorded."""
        self.calls += 1
        if self.calls == self.plain_from:
            self.mark("plain")
        if self.calls == self.warm:
            self.mark("plain-end")
            self.profiler.start()
        if self.calls == self.warm + 1:
            self.mark("recorded")
            self.profiler.step()
        elif self.warm + 1 < self.calls <= self.warm + self.steps:
            self.profiler.step()
        elif self.calls == self.warm + self.steps + 1:
            self.mark("recorded-end")
            self.profiler.step()
            return True
        return False

    def report(self) -> dict[str, Any]:
        """What was found. Unknown is left out."""
        recorded = self.marks["recorded-end"] - self.marks["recorded"]
        plain = self.marks["plain-end"] - self.marks["plain"]
        found: dict[str, Any] = {
            "schema": SCHEMA,
            "kind": "training",
            "device": self.torch.cuda.get_device_name() if self.is_gpu else f"CPU, {platform.machine()}",
            "torch": self.torch.__version__,
            "steps": self.steps,
            "secondsPerStep": plain / (self.warm - self.plain_from),
            "recordedSecondsPerStep": recorded / self.steps,
        }
        if self.is_gpu:
            found["peakMemoryBytes"] = self.torch.cuda.max_memory_allocated()
            found["reservedMemoryBytes"] = self.torch.cuda.max_memory_reserved()
        else:
            found["peakMemoryBytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        events = self.profiler.events() or []
        found |= self.shares(events, recorded)
        operations = sum(
            operations_of(event.name, event.input_shapes or []) for event in events if is_operator(event, self.torch)
        )
        if operations:
            rate = self.matrix_rate()
            achieved = operations / self.steps / found["secondsPerStep"]
            found |= {"operationsPerStep": operations // self.steps, "operationsCounted": COUNTED}
            found |= {"operationsPerSecond": achieved, "matrixOperationsPerSecond": rate, "mfu": achieved / rate}
        return found

    def shares(self, events: Sequence[Any], seconds: float) -> dict[str, Any]:
        """Top kernels of a GPU and the time in which it did nothing; on a CPU the operators by their own time."""
        spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0])
        spans = []
        for event in events:
            if not self.is_gpu:
                if is_operator(event, self.torch) and not event.name.startswith("ProfilerStep"):
                    spent[event.name][0] += event.self_cpu_time_total * 1e-6
                    spent[event.name][1] += 1
            elif is_kernel(event, self.torch):
                spent[event.name][0] += event.time_range.elapsed_us() * 1e-6
                spent[event.name][1] += 1
                spans.append((event.time_range.start, event.time_range.end))
        top = sorted(spent.items(), key=lambda one: -one[1][0])
        total = sum(each for each, _ in spent.values())
        rows = [
            {
                "name": name[:NAME_LENGTH],
                "secondsPerStep": each / self.steps,
                "callsPerStep": calls / self.steps,
                "share": each / total if total else 0.0,
            }
            for name, (each, calls) in top[:MOST_NAMES]
        ]
        found: dict[str, Any] = {"top": rows, "names": len(spent)}
        if self.is_gpu and spans:
            found["idleShare"] = max(0.0, 1 - covered(spans) * 1e-6 / seconds)
        return found

    def matrix_rate(self) -> float:
        """Operations a second of one large matrix product: the best of some."""
        torch = self.torch
        size, kind = (8192, torch.bfloat16) if self.is_gpu else (1024, torch.float32)
        with torch.no_grad():
            left, right = (torch.randn(size, size, device="cuda" if self.is_gpu else "cpu").to(kind) for _ in range(2))
            best = math.inf
            for _ in range(6):
                self.mark("begin")
                left @ right
                self.mark("end")
                best = min(best, self.marks["end"] - self.marks["begin"])
        return 2 * size**3 / best


def is_operator(event: Any, torch: Any) -> bool:
    """Whether it is a call on the CPU's side."""
    return event.device_type == torch.autograd.DeviceType.CPU


def is_kernel(event: Any, torch: Any) -> bool:
    """Whether it is work on the device: a kernel, a copy, a fill; no range that somebody named."""
    return event.device_type != torch.autograd.DeviceType.CPU and not getattr(event, "is_user_annotation", False)


def feed(rows: int, row_bytes: int) -> None:
    """Joins standard input and output to a stand-in for a speedrun's judge, in a thread."""
    from_program, program_out = os.pipe()
    program_in, to_program = os.pipe()
    os.dup2(program_in, 0)
    os.dup2(program_out, 1)
    requests, replies = os.fdopen(from_program, "rb"), os.fdopen(to_program, "wb")

    def answer() -> None:
        while header := requests.read(SPEEDRUN_HEADER.size):
            magic, kind, size = SPEEDRUN_HEADER.unpack(header)
            requests.read(size)
            if kind not in (READY, NEXT):
                continue
            payload = os.urandom(rows * row_bytes) if kind == NEXT else b""
            reply = BATCH if kind == NEXT else READY
            replies.write(SPEEDRUN_HEADER.pack(magic, reply, len(payload)) + payload)
            replies.flush()

    threading.Thread(target=answer, daemon=True).start()


def write(path: Path, found: dict[str, Any]) -> None:
    """The file, whole or not at all."""
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(json.dumps(found, indent=2, allow_nan=False) + "\n")
    temporary.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Profile a few steps of a training program.")
    parser.add_argument("--preload", default="", help="comma-separated modules to import first")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--warm", type=int, default=10, help="steps before those that are recorded, 4 or more")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--fed", default="", metavar="ROWSxBYTES", help="the program gets batches of random bytes")
    parser.add_argument("script")
    options = parser.parse_args()
    if options.warm < 4 or options.steps < 1:
        parser.error("--warm is 4 or more, --steps 1 or more")

    script = os.path.realpath(options.script)
    clean_import_path(script)
    import_modules(options.preload)
    import torch

    recorder = Recorder(options.warm, options.steps)
    backward = torch.autograd.backward

    def counted(*given: Any, **named: Any) -> None:
        if recorder.begins_backward():
            write(options.out, recorder.report())
            sys.stderr.flush()
            os._exit(0)
        backward(*given, **named)

    torch.autograd.backward = counted
    if options.fed:
        rows, row_bytes = map(int, options.fed.split("x"))
        feed(rows, row_bytes)
    sys.argv = [script]
    sys.path.insert(0, os.path.dirname(script))
    os.environ["ASSAY_CLOCK_START"] = repr(time.monotonic())
    try:
        runpy.run_path(script, run_name="__main__")
    except BaseException:
        traceback.print_exc()
    sys.stderr.write(f"profile_training: {recorder.calls} backward passes, {options.warm + options.steps + 1} needed\n")
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    main()
