"""The task's plain kernels, compiled by the judge and run in the judge's own process on the same inputs."""

from __future__ import annotations

import ctypes
import mmap
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay_judge import kernel_protocol as protocol
from assay_judge.kernel_area import LINE_BYTES, round_up
from assay_judge.kernel_build import compile_library, flags_of
from assay_judge.kernel_problems import Arrays, Generator, Problem, Sizes

_NO_HUGE_PAGES = 15  # MADV_NOHUGEPAGE: the candidate's arrays lie in small pages too


@dataclass(frozen=True)
class ReferenceRun:
    cpu_ns: int
    """Of the thread. A candidate that makes the machine busy while this runs changes it little."""
    wall_ns: int
    output: np.ndarray


class Reference:
    """`scratch`: a folder of the judge's own, for the library. `room`: bytes of the largest call's arrays and more."""

    def __init__(self, source: Path, scratch: Path, room: int, generator: Generator) -> None:
        library = scratch / "reference.so"
        compile_library(source, library, flags_of({}))
        loaded = ctypes.CDLL(str(library), mode=os.RTLD_NOW | os.RTLD_LOCAL)
        self._functions = {}
        for name in protocol.KERNELS:
            function = loaded[name]
            function.restype = None
            function.argtypes = [ctypes.c_void_p] * protocol.POINTERS[name] + [ctypes.c_int64] * protocol.SIZES[name]
            self._functions[name] = function
        self._generator = generator
        self._map = mmap.mmap(-1, round_up(room, 4096))
        self._map.madvise(_NO_HUGE_PAGES)
        self._memory = np.frombuffer(self._map, np.uint8)
        self._memory[:] = 0

    def run(self, problem: Problem, sizes: Sizes, inputs: Arrays, poison: np.ndarray) -> ReferenceRun:
        """Copies the inputs to places that vary, as for the candidate, and times one call."""
        arrays = [*inputs, poison]
        places = []
        at = 0
        for array in arrays:
            at = round_up(at + int(self._generator.integers(4096)), LINE_BYTES)
            view = self._memory[at : at + array.nbytes].view(array.dtype)
            view[:] = array.reshape(-1)
            places.append(view)
            at += array.nbytes
        pointers = [place.ctypes.data for place in places]
        function = self._functions[problem.name]
        wall, cpu = time.monotonic_ns(), time.thread_time_ns()
        function(*pointers, *sizes)
        cpu, wall = time.thread_time_ns() - cpu, time.monotonic_ns() - wall
        output = places[-1].view(np.float32).copy()
        return ReferenceRun(cpu, wall, output.reshape(problem.output_shape(sizes)))
