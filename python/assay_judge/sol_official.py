"""Runs SOL-ExecBench's own command on a candidate, unmodified, and keeps what it says as the candidate's claim.

    python -P -m assay_judge.sol_official --problem <folder> --solution <folder> --source <checkout>/src
        --output <folder>

The command imports the candidate into the process that checks and times it, so this belongs into a candidate's phase
and what comes out is a claim. Where the command cannot run, that is said and the phase ends well: our own judge
measures on every machine. Writes into --output: traces.jsonl (one trace for each workload, in upstream's form, those
that the command did not give filled in with a status) and official.json (how it went). Exit code 0, whatever the
command said.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from assay_judge.sol_files import SolProblem, load_problem, make_trace, parse_lines, write_lines
from assay_judge.sol_schema import CPP_LANGUAGES, FieldError, Record, read_trace
from assay_judge.sol_solution import SolutionRefused, form_solution

TRACES, REPORT = "traces.jsonl", "official.json"
NEEDED = ("torch", "pydantic", "click", "rich", "safetensors", "cupti")
"""Modules that the command imports for every problem."""
SPARE_SECONDS = 60.0
"""Beside the limits that the command sets its own children, for its start and end."""
MAX_TEXT = 8 << 20
"""Of what the command writes into each of its streams, and of the traces."""


@dataclass(frozen=True)
class Ended:
    """How the command ended. `code` is None when its time was over."""

    code: int | None
    seconds: float
    errors: str


@dataclass
class Official:
    """What the command said, as far as it holds together."""

    traces: dict[str, Record] = field(default_factory=dict)
    """By uuid; only workloads of the problem."""
    forged: list[str] = field(default_factory=list)
    """What no run of the command could have written."""


def lacking(source: Path | None) -> list[str]:
    """What the command needs and this machine does not have, in words."""
    names = NEEDED if source is not None else (*NEEDED, "sol_execbench")
    modules = [name for name in names if importlib.util.find_spec(name) is None]
    found = [f"the Python modules {', '.join(modules)}"] if modules else []
    has_gpu = any(name.startswith("nvidia") for name in os.listdir("/dev"))
    return found if has_gpu else [*found, "an NVIDIA GPU"]


def run_command(command: list[str], environment: dict[str, str], seconds: float, folder: Path) -> Ended:
    """Ends the command's whole process group when it is over."""
    started = time.monotonic()
    with (folder / "errors.txt").open("w+b") as errors, (folder / "printed.txt").open("wb") as printed:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=errors,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - 64_000))
        text = errors.read().decode(errors="replace")
    return Ended(code, time.monotonic() - started, text)


def read_traces(text: str, problem: SolProblem, solution: str) -> Official:
    """Takes one trace for each workload; what contradicts the problem is named as forged."""
    official = Official()
    try:
        records = parse_lines(text, TRACES, read_trace)
    except FieldError as error:
        official.forged.append(str(error))
        return official
    workloads = {str(one["uuid"]): one for one in problem.workloads}
    for record in records:
        uuid = str(record["workload"]["uuid"])
        if uuid in official.traces:
            official.forged.append(f"two traces for the workload {uuid}")
        elif record["workload"] != workloads.get(uuid):
            official.forged.append(f"a trace for a workload that is not the problem's: {uuid}")
        elif record["definition"] != problem.name or record["solution"] != solution:
            official.forged.append(f"a trace of another definition or solution for the workload {uuid}")
        elif record["evaluation"] is None:
            official.forged.append(f"a trace without an evaluation for the workload {uuid}")
        elif record["evaluation"]["status"] == "PASSED" and record["evaluation"]["performance"]["latency_ms"] <= 0:
            official.forged.append(f"a latency of nothing for the workload {uuid}")
        else:
            official.traces[uuid] = record
    return official


def status_of_missing(ended: Ended, solution: Record, has_traces: bool) -> tuple[str, str]:
    """Status and words for workloads without a trace. The command has no trace for what does not compile or end."""
    if ended.code is None:
        return "TIMEOUT", f"the official command did not end within {ended.seconds:.0f} s"
    if "TimeoutExpired" in ended.errors:
        return "TIMEOUT", "the official command gave up after its own time limit"
    is_cpp = any(one in CPP_LANGUAGES for one in solution["spec"]["languages"])
    if is_cpp and ended.code != 0 and not has_traces and "Compilation succeeded" not in ended.errors:
        return "COMPILE_ERROR", f"the official command did not compile it (exit code {ended.code})"
    return "RUNTIME_ERROR", f"the official command gave no trace for this workload (exit code {ended.code})"


def complete(official: Official, ended: Ended, problem: SolProblem, solution: Record, hardware: str) -> list[Record]:
    """A trace for each workload, in the problem's order."""
    status, words = status_of_missing(ended, solution, bool(official.traces))
    log = f"{words}\n{ended.errors[-4000:]}"
    made = []
    for workload in problem.workloads:
        evaluation = {
            "status": status,
            "environment": {"hardware": hardware, "libs": {}},
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()),
            "log": log,
        }
        known = official.traces.get(str(workload["uuid"]))
        made.append(known or make_trace(problem, workload, str(solution["name"]), evaluation))
    return made


def report_of(official: Official, traces: list[Record], ended: Ended) -> Record:
    statuses = [str(one["evaluation"]["status"]) for one in traces]
    passed = [one["evaluation"]["performance"] for one in traces if one["evaluation"]["status"] == "PASSED"]
    forged = list(official.forged)
    all_passed = bool(official.traces) and all(
        one["evaluation"]["status"] == "PASSED" for one in official.traces.values()
    )
    if ended.code is not None and official.traces and not forged and (ended.code == 0) != all_passed:
        forged.append(f"exit code {ended.code} does not go with the traces")
    report: Record = {
        "ran": True,
        "exit_code": ended.code,
        "seconds": round(ended.seconds, 3),
        "workloads": len(traces),
        "with_trace": len(official.traces),
        "passed": len(passed),
        "statuses": {status: statuses.count(status) for status in sorted(set(statuses))},
        "forged": forged[:20],
    }
    if len(passed) == len(traces) and not forged:
        report["latency_ms"] = _geometric_mean([one["latency_ms"] for one in passed])
        if all(one["speedup_factor"] > 0 for one in passed):
            report["speedup"] = _geometric_mean([one["speedup_factor"] for one in passed])
    return report


def _geometric_mean(values: list[float]) -> float:
    return math.exp(sum(math.log(one) for one in values) / len(values))


def read_text(path: Path) -> str:
    """At most MAX_TEXT of a plain file; empty where there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as file:
        return file.read(MAX_TEXT).decode(errors="replace")


def environment_for(source: Path | None, folder: Path) -> dict[str, str]:
    """The command starts `python` by its name: that is this interpreter. Its package comes from the checkout."""
    programs = folder / "programs"
    programs.mkdir()
    (programs / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (programs / "python").chmod(0o755)
    left_out = ("PYTHONSAFEPATH", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    (folder / "tmp").mkdir()
    found = {**kept, "PATH": f"{programs}:{kept.get('PATH', '/usr/bin:/bin')}", "TMPDIR": str(folder / "tmp")}
    return found | ({"PYTHONPATH": str(source)} if source is not None else {})


def hardware_name() -> str:
    """What the driver calls the first GPU."""
    try:
        line = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10).stdout.split("\n")[0]
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return line.split(":", 1)[-1].split("(UUID")[0].strip() or "unknown"


def drive(options: argparse.Namespace) -> Record:
    """The report; traces are in the output folder when the command ran. Raises FieldError for a wrong problem."""
    problem = load_problem(options.problem)
    try:
        solution = form_solution(options.solution, problem)
    except SolutionRefused as error:
        return {"ran": False, "why": f"the solution is refused: {error}"}
    missing = [] if options.command else lacking(options.source)
    if missing:
        return {"ran": False, "why": f"the official command needs {' and '.join(missing)}"}
    with tempfile.TemporaryDirectory(prefix="sol-") as scratch:
        folder = Path(scratch)
        formed, traces = folder / "solution.json", folder / TRACES
        formed.write_text(json.dumps(solution))
        command = options.command or [sys.executable, "-m", "sol_execbench.cli.main"]
        command = [*command, str(options.problem.resolve()), "--solution", str(formed), "-o", str(traces)]
        command += ["--compile-timeout", str(options.compile_timeout), "--timeout", str(options.timeout)]
        limit = options.compile_timeout + options.timeout + options.spare
        ended = run_command(command, environment_for(options.source, folder), limit, folder)
        official = read_traces(read_text(traces), problem, str(solution["name"]))
        made = complete(official, ended, problem, solution, hardware_name())
        write_lines(options.output / TRACES, made)
        return report_of(official, made, ended)


def print_claim(report: Record) -> None:
    if not report["ran"]:
        print(f"official command: not run, {report['why']}")
        return
    print("official command:", json.dumps(report["statuses"]), *(f"\nforged: {one}" for one in report["forged"]))
    print("---")
    for name in ("workloads", "passed", "latency_ms", "speedup"):
        if name in report:
            print(f"official_{name}: {report[name]:.6g}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Run SOL-ExecBench's own command on a candidate.")
    parser.add_argument("--problem", type=Path, required=True, help="folder with definition.json and workload.jsonl")
    parser.add_argument("--solution", type=Path, required=True, help="the candidate's folder")
    parser.add_argument("--source", type=Path, help="folder of the package sol_execbench; else an installed one")
    parser.add_argument("--output", type=Path, default=os.environ.get("ASSAY_OUTPUT"))
    parser.add_argument("--compile-timeout", type=int, default=120, help="seconds, as upstream's default")
    parser.add_argument("--timeout", type=int, default=600, help="seconds of the evaluation, as upstream's default")
    parser.add_argument("--spare", type=float, default=SPARE_SECONDS, help="seconds beside both")
    parser.add_argument("--command", nargs=argparse.REMAINDER, help="last: a program in place of the command")
    options = parser.parse_args()
    report = drive(options)
    (options.output / REPORT).write_text(json.dumps(report, allow_nan=False))
    print_claim(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
