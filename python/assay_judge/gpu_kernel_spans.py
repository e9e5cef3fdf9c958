"""The third clock: spans of work on the device as CUPTI records them, through a small C helper (gpu_spans.c).

    python -P -m assay_judge.gpu_kernel_spans --output <folder>/gpu_spans.so

builds it where a C compiler and CUPTI are; where they are not there are two clocks, and every result says so.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("gpu_spans.c")
KERNEL_RECORDS = (9, 10, 11, 8, 7)
COPY_RECORDS = ((6, 4), (5, 4), (5, 3))
"""Versions of CUPTI's records. Newer ones only add fields at their ends, so any that the header knows will do."""


def folders() -> tuple[list[Path], list[Path]]:
    """Where CUPTI's headers and its library may be."""
    packages: list[Path] = []
    found = importlib.util.find_spec("nvidia")
    for root in (found.submodule_search_locations or []) if found else []:
        packages += [Path(root) / "cu13", Path(root) / "cuda_cupti", Path(root) / "cuda_runtime"]
    toolkits = [Path(os.environ.get("CUDA_HOME", "/usr/local/cuda")), *sorted(Path("/usr/local").glob("cuda-*"))]
    extras = [one / "extras" / "CUPTI" for one in toolkits]
    every = [*packages, *toolkits, *extras]
    targets = [target for one in toolkits for target in (one / "targets").glob("*")]
    headers = [one / "include" for one in (*every, *targets)]
    libraries = [one / kind for one in (*every, *targets) for kind in ("lib", "lib64")]
    return [one for one in headers if one.is_dir()], [one for one in libraries if one.is_dir()]


def build(output: Path) -> str:
    """Raises RuntimeError when there is no way. Returns what it was built with."""
    headers, libraries = folders()
    found = [path for folder in libraries for path in sorted(folder.glob("libcupti.so.*"))]
    # The one that torch itself uses is loaded once, not beside another.
    shared = [path for path in found if path.name.count(".") == 2] or found
    if not shared:
        raise RuntimeError("libcupti.so is nowhere")
    include = [f"-I{one}" for one in headers]
    errors = []
    for kernel in KERNEL_RECORDS:
        for copy, fill in COPY_RECORDS:
            names = [
                f"-DKERNEL_RECORD=CUpti_ActivityKernel{kernel}",
                f"-DCOPY_RECORD=CUpti_ActivityMemcpy{copy}",
                f"-DSET_RECORD=CUpti_ActivityMemset{fill}",
            ]
            command = ["gcc", "-O2", "-shared", "-fPIC", *include, *names, str(SOURCE), "-o", str(output)]
            command += [str(shared[0]), f"-Wl,-rpath,{shared[0].parent}"]
            end = subprocess.run(command, capture_output=True, text=True)
            if end.returncode == 0:
                return f"{shared[0]}, kernel record {kernel}"
            errors.append(end.stderr[-400:])
    raise RuntimeError(f"the helper does not compile: {errors[0]}")


class Spans:
    """Raises OSError where the helper cannot be loaded."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        self._library.assay_spans_name.restype = ctypes.c_char_p

    def start(self) -> int:
        """0, or CUPTI's error."""
        return self._library.assay_spans_start()

    def stop(self) -> dict:
        """With the device idle. Seconds from the first start to the last end, seconds of work, counts, names."""
        numbers, pair = (ctypes.c_double * 6)(), (ctypes.c_double * 2)()
        error = self._library.assay_spans_stop(numbers)
        span, busy, kernels, copies, streams, lost = numbers
        names = {}
        at = 0
        while (name := self._library.assay_spans_name(at, pair)) is not None:
            names[name.decode(errors="replace")] = [round(pair[0] / 1e3, 1), int(pair[1])]
            at += 1
        longest = sorted(names.items(), key=lambda one: -one[1][0])[:8]
        return {
            "span": span / 1e9,
            "busy": busy / 1e9,
            "kernels": int(kernels),
            "copies": int(copies),
            "streams": int(streams),
            "lost": int(lost),
            "error": int(error),
            "names": dict(longest),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the helper that reads CUPTI's spans.")
    parser.add_argument("--output", type=Path, required=True)
    try:
        print(build(parser.parse_args().output))
    except (RuntimeError, OSError) as error:
        sys.stderr.write(f"gpu_kernel_spans: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
