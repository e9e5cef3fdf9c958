"""The candidate's folder, and the official command as a claim, with a program that behaves as the command does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from assay_judge.sol_files import load_problem, parse_lines
from assay_judge.sol_judge import Report, judge_official, read_official
from assay_judge.sol_schema import read_trace
from assay_judge.sol_solution import SolutionRefused, form_solution, refuse_name, unlisted
from sol_problems import ENVIRONMENT, FAKE, KERNEL, write_problem, write_solution

SHADOWING = [
    "definition.json",
    "workload.jsonl",
    "config.json",
    "solution.json",
    "eval_driver.py",
    "build_ext.py",
    "_reference.py",
    "benchmark_kernel.so",
    "cupti.py",
    "json.py",
    "torch/__init__.py",
    "torch.py",
    "sol_execbench/core/__init__.py",
    "sitecustomize.py",
    "typing.py",
    "pydantic.so",
    "/tmp/kernel.py",
    "../kernel.py",
    "a/../../kernel.py",
    "..\\kernel.py",
    "kernel.py\0.txt",
    "./kernel.py",
    "lib/kernel.py",
    "kernel.pth",
    "kernel",
    "",
    "kernel.py\n",
    "K" * 80 + ".py",
    "kérnel.py",
]


@pytest.mark.parametrize("path", SHADOWING)
def test_a_source_that_covers_or_leads_elsewhere_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(SolutionRefused):
        refuse_name(path)
    sources = [{"path": "kernel.py", "content": KERNEL}, {"path": path, "content": "{}"}]
    problem = load_problem(write_problem(tmp_path / "problem"))
    with pytest.raises(SolutionRefused):
        form_solution(write_solution(tmp_path / "solution", sources=sources), problem)


@pytest.mark.parametrize("path", ["kernel.py", "main.cpp", "kernel.cu", "Kernel_2.cuh", "shapes.h", "json.h"])
def test_honest_names_are_taken(path: str) -> None:
    refuse_name(path)


def test_a_solution_is_formed_from_the_files_beside_it(tmp_path: Path) -> None:
    problem = load_problem(write_problem(tmp_path / "problem"))
    folder = write_solution(tmp_path / "solution")
    (folder / "notes.md").write_text("mine")
    solution = form_solution(folder, problem)
    assert solution["sources"] == [{"path": "kernel.py", "content": KERNEL}]
    assert unlisted(folder, solution) == ["notes.md"]


def refusal(tmp_path: Path, folder: Path) -> SolutionRefused:
    with pytest.raises(SolutionRefused) as found:
        form_solution(folder, load_problem(write_problem(tmp_path / "problem")))
    return found.value


def test_links_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.py"
    secret.write_text(KERNEL)
    folder = write_solution(tmp_path / "solution")
    (folder / "kernel.py").unlink()
    (folder / "kernel.py").symlink_to(secret)
    found = refusal(tmp_path, folder)
    assert found.suspected and "is a link" in str(found)


def test_a_folder_that_is_a_link_or_a_pipe_for_a_file_is_refused(tmp_path: Path) -> None:
    whole = write_solution(tmp_path / "whole")
    (tmp_path / "link").symlink_to(whole)
    assert refusal(tmp_path, tmp_path / "link").suspected
    (whole / "kernel.py").unlink()
    os.mkfifo(whole / "kernel.py")
    assert "not a plain file" in str(refusal(tmp_path / "again", whole))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"definition": "another"}, "the problem is 'mix.rows'"),
        ({"name": 3}, "solution.json.name: text is needed"),
        ({"sources": [{"path": "kernel.py", "content": "other"}]}, "there twice"),
        ({"sources": [{"path": f"k{one}.py", "content": "a"} for one in range(17)]}, "17 sources"),
        ({"sources": [{"path": "big.py", "content": "a" * 200_001}], "spec": {"entry_point": "big.py::run"}}, "200001"),
        ({"sources": [{"path": "none.py", "content": ""}]}, "No such file"),
        ({"sources": "kernel.py"}, "solution.json.sources: a list is needed"),
    ],
)
def test_a_wrong_solution_is_refused_in_words(changed: dict, words: str, tmp_path: Path) -> None:
    assert words in str(refusal(tmp_path, write_solution(tmp_path / "solution", **changed)))


# --- the command


def official(tmp_path: Path, fake: str, *more: str, **changed: object) -> tuple[dict, list[dict], str]:
    """Report, traces and what was printed."""
    problem = write_problem(tmp_path / "problem")
    solution = write_solution(tmp_path / "solution", f"# fake: {fake}\n{KERNEL}", **changed)
    if "spec" in changed:
        (solution / "kernel.cu").write_text(f"// fake: {fake}\n")
    output = tmp_path / "output"
    output.mkdir()
    command = [sys.executable, "-P", "-m", "assay_judge.sol_official", "--problem", str(problem)]
    command += ["--solution", str(solution), "--output", str(output), *more, "--command", *FAKE]
    end = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert end.returncode == 0, end.stderr
    traces = output / "traces.jsonl"
    lines = parse_lines(traces.read_text(), "traces.jsonl", read_trace) if traces.exists() else []
    return json.loads((output / "official.json").read_text()), lines, end.stdout


def statuses(traces: list[dict]) -> list[str]:
    return [one["evaluation"]["status"] for one in traces]


@pytest.mark.parametrize("fake", ["pass", "python"])
def test_what_passes_is_a_claim_with_its_numbers(fake: str, tmp_path: Path) -> None:
    report, traces, printed = official(tmp_path, fake)
    assert report["passed"] == report["workloads"] == 2 and report["forged"] == []
    assert report["latency_ms"] == pytest.approx(0.5) and report["speedup"] == pytest.approx(2)
    block = printed.split("---\n")[1]
    assert block == "official_workloads: 2\nofficial_passed: 2\nofficial_latency_ms: 0.5\nofficial_speedup: 2\n"
    assert statuses(traces) == ["PASSED", "PASSED"]


@pytest.mark.parametrize(
    ("fake", "found"),
    [
        ("some", ["PASSED", "RUNTIME_ERROR"]),
        ("wrong", ["PASSED", "INCORRECT_NUMERICAL"]),
        ("hack", ["PASSED", "REWARD_HACK"]),
        ("no-trace", ["RUNTIME_ERROR", "RUNTIME_ERROR"]),
        ("gives-up", ["TIMEOUT", "TIMEOUT"]),
    ],
)
def test_what_does_not_pass_has_a_status_for_every_workload_and_claims_no_time(
    fake: str, found: list[str], tmp_path: Path
) -> None:
    report, traces, printed = official(tmp_path, fake)
    assert statuses(traces) == found
    assert report["forged"] == [] and "latency_ms" not in report
    assert "official_latency_ms" not in printed and f"official_passed: {found.count('PASSED')}" in printed


def test_what_does_not_compile_is_a_compile_error_in_cpp_alone(tmp_path: Path) -> None:
    in_cuda = {"spec": {"languages": ["cuda_cpp"], "entry_point": "kernel.cu::run"}}
    source = {"sources": [{"path": "kernel.cu", "content": ""}]}
    (tmp_path / "cuda").mkdir()
    (tmp_path / "python").mkdir()
    _, traces, _ = official(tmp_path / "cuda", "compile", **in_cuda, **source)
    assert statuses(traces) == ["COMPILE_ERROR", "COMPILE_ERROR"]
    assert "error: no" in traces[0]["evaluation"]["log"]
    assert statuses(official(tmp_path / "python", "compile")[1]) == ["RUNTIME_ERROR", "RUNTIME_ERROR"]


def test_what_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    started = time.monotonic()
    limits = ("--compile-timeout", "1", "--timeout", "1", "--spare", "0.5")
    report, traces, _ = official(tmp_path, "hang", *limits)
    assert time.monotonic() - started < 20
    assert statuses(traces) == ["TIMEOUT", "TIMEOUT"] and report["exit_code"] is None
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert "sleep 31.25" not in running


FORGED = {
    "twice": "two traces",
    "foreign": "not the problem's",
    "other-sizes": "not the problem's",
    "other-tolerance": "not the problem's",
    "other-solution": "another definition or solution",
    "no-time": "a latency of nothing",
    "wrong-code": "exit code 1",
    "not-finite": "NaN is no number",
    "torn": "is no JSON",
}


@pytest.mark.parametrize("fake", FORGED)
def test_what_the_command_cannot_have_written_is_named_and_the_judge_refuses(fake: str, tmp_path: Path) -> None:
    report, _, printed = official(tmp_path, fake)
    assert FORGED[fake] in " ".join(report["forged"])
    assert "latency_ms" not in printed.split("---")[1]
    note = Report()
    problem = load_problem(tmp_path / "problem")
    refused = judge_official(*read_official(tmp_path / "output", problem, "ours"), note)
    assert refused is not None and refused["suspected"] and refused["check"] == "sol-official"
    assert not note.records["sol-official"]["ok"]


def test_the_judge_reads_the_traces_anew(tmp_path: Path) -> None:
    official(tmp_path, "pass")
    problem, output = load_problem(tmp_path / "problem"), tmp_path / "output"
    note = Report()
    assert judge_official(*read_official(output, problem, "ours"), note) is None
    assert note.records["sol-official"]["detail"].endswith("2 workloads: 2 PASSED")
    traces = output / "traces.jsonl"
    text = traces.read_text()
    for left in (text.splitlines()[0] + "\n", "", text.replace("0.5", "0")):
        traces.write_text(left)
        assert judge_official(*read_official(output, problem, "ours"), Report()) is not None
    traces.unlink()
    traces.symlink_to(tmp_path / "problem" / "workload.jsonl")
    assert judge_official(*read_official(output, problem, "ours"), Report()) is not None
    for report in ("{", "[]", '{"ran": 1}', "[" * 100_000, '{"ran": false, "why": "no GPU"}'):
        (output / "official.json").write_text(report)
        assert judge_official(*read_official(output, problem, "ours"), Report()) is None
    assert judge_official(*read_official(None, problem, "ours"), Report()) is None


def test_where_it_cannot_run_that_is_said_and_the_phase_ends_well(tmp_path: Path) -> None:
    problem, solution = write_problem(tmp_path / "problem"), write_solution(tmp_path / "solution")
    command = [sys.executable, "-P", "-m", "assay_judge.sol_official", "--problem", str(problem)]
    command += ["--solution", str(solution), "--output", str(tmp_path)]
    end = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    assert end.returncode == 0, end.stderr
    assert "not run, the official command needs" in end.stdout and "sol_execbench" in end.stdout
    assert "---" not in end.stdout
    (solution / "kernel.py").unlink()
    end = subprocess.run([*command, "--command", *FAKE], env=ENVIRONMENT, capture_output=True, text=True)
    assert end.returncode == 0 and "the solution is refused: solution/kernel.py" in end.stdout
