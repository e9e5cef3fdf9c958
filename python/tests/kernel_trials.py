"""Builds, hosts and judges C kernels as a trial does, in real processes without a sandbox: harmless programs only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TASK = ROOT / "tasks" / "kernels-cpu"
PLAIN = (TASK / "kernels.c").read_text()
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", f"assay_judge.{name}", *arguments]


def build(folder: Path, source: str, settings: str = "") -> subprocess.CompletedProcess:
    """Compiles a program to <folder>/output/kernels.so."""
    workspace, output = folder / "workspace", folder / "output"
    for one in (workspace, output, folder / "exchange", folder / "result"):
        one.mkdir()
    (workspace / "kernels.h").write_text((TASK / "kernels.h").read_text())
    (workspace / "kernels.c").write_text(source)
    (workspace / "settings.py").write_text(settings)
    command = module("kernel_build", "--output", str(output / "kernels.so"))
    return subprocess.run(command, cwd=workspace, env=ENVIRONMENT, capture_output=True, text=True)


def judged(folder: Path, source: str, seed: int = 1, host: list[str] | None = None) -> dict:
    """The result of one trial. `host`: a command that stands for the kernel host."""
    ended = build(folder, source)
    assert ended.returncode == 0, ended.stderr
    library, exchange = str(folder / "output" / "kernels.so"), str(folder / "exchange")
    host = host or module("kernel_host", "--library", library, "--exchange", exchange)
    host_in, judge_out = os.pipe()
    judge_in, host_out = os.pipe()
    peer = subprocess.Popen(host, stdin=host_in, stdout=host_out, env=ENVIRONMENT)
    os.close(host_in)
    os.close(host_out)
    arguments = ["--library", library, "--reference", str(TASK / "reference.c"), "--exchange", exchange]
    result = folder / "result" / "result.json"
    command = module("kernel_judge", *arguments, "--seed", str(seed), "--result", str(result))
    descriptors = {"ASSAY_PEER_OUT_FD": str(judge_out), "ASSAY_PEER_IN_FD": str(judge_in)}
    try:
        end = subprocess.run(
            command, env={**ENVIRONMENT, **descriptors}, pass_fds=(judge_out, judge_in), capture_output=True, text=True
        )
    finally:
        os.close(judge_out)
        os.close(judge_in)
        peer.kill()
        peer.wait()
    assert end.returncode == 0, end.stderr
    return json.loads(result.read_text())


def instead_of(kernel: str, body: str, before: str = "") -> str:
    """The plain program with another body for one kernel; the plain one stays there as plain_<kernel>."""
    renamed = f"#define {kernel} plain_{kernel}\n{PLAIN}\n#undef {kernel}\n"
    heads = {
        "softmax": "void softmax(const float *x, float *out, int64_t rows, int64_t columns)",
        "rms_norm": "void rms_norm(const float *x, const float *weight, float *out, int64_t rows, int64_t columns)",
    }
    return f"{renamed}{before}\n{heads[kernel]} {{\n{body}\n}}\n"


def failed(result: dict) -> set[str]:
    return {check["id"] for check in result["checks"] if not check["ok"]}
