"""The judge of a problem of SOL-ExecBench: our own measurement on every machine; the official command only claims.

    python -P -m assay_judge.sol_judge --problem <folder> --solution <folder> --official <folder> --seed <secret>
        --result r.json [options of gpu_kernel_judge]

Trusted; runs no candidate code. It takes the solution's folder or refuses it, reads what a candidate's phase left of
the official command (sol_official.py), has gpu_kernel_judge.py measure through the peer's descriptors, and writes its
result with traces in upstream's form. Exit code 0: a result was written; 2: the problem's own files are wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from assay_judge.sol_files import SolProblem, load_problem, make_trace
from assay_judge.sol_official import REPORT, TRACES, Official, read_text, read_traces
from assay_judge.sol_schema import STATUSES, FieldError, Record
from assay_judge.sol_solution import SolutionRefused, form_solution, unlisted

SOURCES, OFFICIAL = "sol-sources", "sol-official"
CHECKS = (SOURCES, OFFICIAL)
"""Beside those of gpu_kernel_judge.py; both are in every result."""
SPARE_SECONDS = 30.0


class Report:
    def __init__(self) -> None:
        self.records = {one: {"id": one, "ok": True, "detail": "nothing was looked at"} for one in CHECKS}

    def note(self, check: str, detail: str, ok: bool = True) -> None:
        self.records[check] = {"id": check, "ok": ok, "detail": detail}


def refused(reason: str, failure: str = "invalid-metric", status: str = "RUNTIME_ERROR", check: str = "") -> dict:
    """A result in its second form. `check`: it is suspected for this one."""
    result = {"valid": False, "failure": failure, "reason": reason, "status": status}
    return result | ({"suspected": True, "check": check} if check else {})


def read_official(folder: Path | None, problem: SolProblem, solution: str) -> tuple[Record, Official]:
    """What the candidate's phase left: its report, of which only words are used, and the traces, read anew."""
    report: object = None
    if folder is not None:
        try:
            report = json.loads(read_text(folder / REPORT) or "null")
        except (ValueError, RecursionError):
            report = None
    if not isinstance(report, dict):
        return {"ran": False, "why": "no phase ran it"}, Official()
    if report.get("ran") is not True:
        return {"ran": False, "why": str(report.get("why"))[:300]}, Official()
    official = read_traces(read_text(folder / TRACES), problem, solution)
    forged = report.get("forged")
    if isinstance(forged, list):
        official.forged += [str(one)[:300] for one in forged[:20]]
    missing = [str(one["uuid"]) for one in problem.workloads if str(one["uuid"]) not in official.traces]
    if missing and not official.forged:
        official.forged.append(f"no trace for the workloads {', '.join(missing[:5])}")
    return {"ran": True}, official


def judge_official(report: Record, official: Official, note: Report) -> dict | None:
    """The refusal, if what was left can't come from the command."""
    if not report["ran"]:
        note.note(OFFICIAL, f"no claim: {report['why']}")
        return None
    if official.forged:
        reason = f"what stands for the official command's traces is not its work: {official.forged[0]}"
        note.note(OFFICIAL, reason, ok=False)
        return refused(f"check {OFFICIAL} failed. {reason}", status="REWARD_HACK", check=OFFICIAL)
    statuses = [str(one["evaluation"]["status"]) for one in official.traces.values()]
    counted = ", ".join(f"{statuses.count(one)} {one}" for one in STATUSES if one in statuses)
    note.note(OFFICIAL, f"claim of the official command, one trace for each of {len(statuses)} workloads: {counted}")
    return None


def claims_of(problem: SolProblem, official: Official) -> dict[str, float]:
    """The official command's numbers beside ours, by the workload's place in the problem."""
    found: dict[str, float] = {}
    for turn, workload in enumerate(problem.workloads):
        trace = official.traces.get(str(workload["uuid"]))
        if trace is not None and trace["evaluation"]["status"] == "PASSED":
            found[f"official_latency_us_{turn}"] = trace["evaluation"]["performance"]["latency_ms"] * 1e3
    return found


def measure(options: argparse.Namespace, more: list[str], problem: SolProblem, solution: Record) -> dict:
    """What gpu_kernel_judge says of the bridged problem. It inherits the peer's descriptors."""
    from assay_judge.sol_bridge import Unsupported, bridge_problem, bridge_solution

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sol-") as scratch:
        folder = Path(scratch)
        try:
            least = bridge_problem(problem, folder / "problem", options.tensors)
            bridge_solution(solution, folder / "solution.json")
        except Unsupported as error:
            return refused(f"not measured: {error}", "build", "COMPILE_ERROR")
        left = options.timeout - (time.monotonic() - started)
        command = [sys.executable, "-P", "-m", "assay_judge.gpu_kernel_judge", "--problem", str(folder / "problem")]
        command += ["--solution", str(folder / "solution.json"), "--result", str(folder / "result.json")]
        command += ["--seed", str(options.seed), "--timeout", str(max(1.0, left - SPARE_SECONDS)), *more]
        names = [name for name in ("ASSAY_PEER_OUT_FD", "ASSAY_PEER_IN_FD") if name in os.environ]
        end = subprocess.run(command, pass_fds=[int(os.environ[name]) for name in names], timeout=left + SPARE_SECONDS)
        if end.returncode != 0:
            raise SystemExit(f"sol_judge: gpu_kernel_judge ended with {end.returncode}")
        result = json.loads((folder / "result.json").read_text())
    result["least"] = [one.words for one in least]
    return result


def traces_of(problem: SolProblem, solution: str, result: dict) -> list[Record]:
    """One trace for each workload, in upstream's form, of our own measurement."""
    measured = {str(one["workload"]["uuid"]): one["evaluation"] for one in result.get("traces", [])}
    made = []
    for workload in problem.workloads:
        evaluation = measured.get(str(workload["uuid"])) or evaluation_of_refusal(result)
        made.append(make_trace(problem, workload, solution, evaluation))
    return made


def evaluation_of_refusal(result: dict) -> Record:
    status = result.get("status", "RUNTIME_ERROR")
    evaluation: Record = {
        "status": status,
        "environment": {"hardware": result.get("device") or "unknown", "libs": {}},
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "log": str(result.get("reason", "")),
    }
    if status == "INCORRECT_NUMERICAL":
        # Upstream asks for numbers here; the judge refuses at the first error and has no largest one.
        evaluation["correctness"] = {"extra": {"measured": False}}
    return evaluation


def judge(options: argparse.Namespace, more: list[str], problem: SolProblem) -> dict:
    note = Report()
    name = "unknown"
    try:
        solution = form_solution(options.solution, problem)
        name = str(solution["name"])
        others = unlisted(options.solution, solution)
        words = f"; not part of it: {', '.join(others[:5])}" if others else ""
        note.note(SOURCES, f"sources by count: {len(solution['sources'])}, with plain new names{words}")
        report, official = read_official(options.official, problem, name)
        result = judge_official(report, official, note) or measure(options, more, problem, solution)
        if result["valid"]:
            result["metrics"] |= claims_of(problem, official)
    except SolutionRefused as error:
        note.note(SOURCES, str(error), ok=False)
        result = refused(f"check {SOURCES} failed. {error}", check=SOURCES if error.suspected else "")
    result["traces"] = traces_of(problem, name, result)
    result["checks"] = [*note.records.values(), *(result.get("checks") or not_looked_at())]
    return result


def not_looked_at() -> list[dict]:
    """The records of the kernel judge for what never got there."""
    from assay_judge.gpu_kernel_judge import CHECKS as OF_KERNELS

    return [{"id": one, "ok": True, "detail": "nothing was looked at"} for one in OF_KERNELS]


def main() -> int:
    parser = argparse.ArgumentParser(description="Judge a solution of a SOL-ExecBench problem.", allow_abbrev=False)
    parser.add_argument("--problem", type=Path, required=True, help="folder with definition.json and workload.jsonl")
    parser.add_argument("--solution", type=Path, required=True, help="the candidate's folder")
    parser.add_argument("--official", type=Path, help="what a candidate's phase left of the official command")
    parser.add_argument("--tensors", type=Path, help="folder of recorded inputs")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for everything")
    parser.add_argument("--result", type=Path, required=True)
    options, more = parser.parse_known_args()
    started = time.monotonic()
    try:
        problem = load_problem(options.problem)
    except (FieldError, OSError) as error:
        sys.stderr.write(f"sol_judge: the problem cannot be read: {error}\n")
        return 2
    result = judge(options, more, problem)
    result["judge_seconds"] = round(time.monotonic() - started, 3)
    from assay_judge.language_model import write_result

    write_result(options.result, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
