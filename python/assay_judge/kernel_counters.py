"""Hardware counters of a program's kernels through Nsight Compute, where the machine allows it; else why not.

    python -P -m assay_judge.kernel_counters --out counters.json [--launches 20] [--skip 10] -- python solution.py

For whoever proposes the next kernel: the part of the peak that memory and arithmetic reached, and registers. The
profiled program could be the candidate's, so this is a claim, as a profile is. `--clock-control none`: clocks are read,
never set. Counters need a right that many machines do not give (ERR_NVGPUCTRPERM); then the file says so, and the exit
code is 0: a machine that allows nothing is no mistake.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

METRICS = {
    "seconds": "gpu__time_duration.sum",
    "memory_share": "gpu__compute_memory_throughput.avg.pct_of_peak_sustained_elapsed",
    "dram_share": "dram__throughput.avg.pct_of_peak_sustained_elapsed",
    "arithmetic_share": "sm__throughput.avg.pct_of_peak_sustained_elapsed",
    "occupancy": "sm__warps_active.avg.pct_of_peak_sustained_active",
    "registers": "launch__registers_per_thread",
}
SCALES = {"seconds": 1e-9, "registers": 1.0}
"""From base units; every other one is a percentage."""
NAME_LENGTH = 120


@dataclass(frozen=True)
class Counters:
    """What was found, or why nothing."""

    kernels: list[dict]
    """One launch each: name and the names of METRICS, shares from 0 to 1."""
    why: str = ""


def count(
    command: list[str], launches: int = 20, skip: int = 10, seconds: float = 300.0, tool: str = "ncu"
) -> Counters:
    """Runs the program under ncu. Never raises for what the machine lacks."""
    path = shutil.which(tool)
    if path is None:
        return Counters([], f"no program {tool} on this machine")
    given = [path, "--csv", "--page", "raw", "--print-units", "base", "--clock-control", "none"]
    given += ["--target-processes", "all", "--launch-skip", str(skip), "--launch-count", str(launches)]
    given += ["--metrics", ",".join(METRICS.values())]
    try:
        ended = subprocess.run([*given, *command], capture_output=True, text=True, errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired:
        return Counters([], f"it took longer than {seconds:g} s")
    except OSError as error:
        return Counters([], f"{tool} could not be started: {error}")
    kernels = read_table(ended.stdout)
    if kernels:
        return Counters(kernels)
    words = [
        line for line in (ended.stdout + ended.stderr).splitlines() if "==ERROR==" in line or "==WARNING==" in line
    ]
    return Counters([], " ".join(words)[:600] or f"{tool} ended with {ended.returncode} and counted nothing")


def read_table(text: str) -> list[dict]:
    """The launches in ncu's table: a row of names, a row of units, then one for each launch."""
    lines = text.splitlines()
    start = next((place for place, line in enumerate(lines) if line.startswith('"ID"')), None)
    if start is None:
        return []
    found = []
    for row in csv.DictReader(io.StringIO("\n".join(lines[start:]))):
        if not (row.get("ID") or "").isdigit():
            continue
        kernel: dict = {"name": (row.get("Kernel Name") or "")[:NAME_LENGTH]}
        for name, metric in METRICS.items():
            try:
                kernel[name] = float((row.get(metric) or "").replace(",", "")) * SCALES.get(name, 0.01)
            except ValueError:
                continue  # a counter that this device does not have stays unknown
        found.append(kernel)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Hardware counters of a program's kernels.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--launches", type=int, default=20)
    parser.add_argument("--skip", type=int, default=10, help="launches before those that are counted")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    found = count(options.command, options.launches, options.skip, options.seconds)
    options.out.write_text(json.dumps(asdict(found), indent=2) + "\n")
    print(f"{len(found.kernels)} launches counted" if found.kernels else f"nothing counted: {found.why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
