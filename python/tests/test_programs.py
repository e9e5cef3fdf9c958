"""The bootstrap and the model host as real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hand_made_hosts import english

PACKAGE = Path(__file__).resolve().parents[1] / "assay_judge"

SCRIPT = """
import json, os, sys, time
print(json.dumps({
    "argv": sys.argv, "path": sys.path[0], "name": __name__,
    "ready_fd": os.environ.get("ASSAY_READY_FD"),
    "age": time.monotonic() - float(os.environ["ASSAY_CLOCK_START"]),
    "decimal_is_ours": hasattr(sys.modules.get("decimal"), "SHADOWED"),
}))
"""


def bootstrap(workspace: Path, *, ready_fd: int | None = None, flags: tuple[str, ...] = ("-I",)):
    """Runs train.py of a workspace, from inside it, with `decimal` preloaded."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ASSAY_")}
    if ready_fd is not None:
        environment["ASSAY_READY_FD"] = str(ready_fd)
    command = [sys.executable, *flags, PACKAGE / "bootstrap.py", "--preload", "decimal", "train.py", "one"]
    return subprocess.run(
        command,
        cwd=workspace,
        env=environment,
        pass_fds=[] if ready_fd is None else [ready_fd],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_bootstrap_says_ready_once_and_hides_how(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    reader, writer = os.pipe()
    finished = bootstrap(tmp_path, ready_fd=writer)
    os.close(writer)
    seen = json.loads(finished.stdout)
    assert os.read(reader, 10) == b"R"
    assert os.read(reader, 10) == b""
    os.close(reader)
    assert seen["ready_fd"] is None
    assert seen["argv"] == [str(tmp_path / "train.py"), "one"]
    assert seen["path"] == str(tmp_path)
    assert seen["name"] == "__main__"
    assert 0 <= seen["age"] < 5


def test_bootstrap_runs_without_a_supervisor(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    assert bootstrap(tmp_path).returncode == 0


def test_no_file_of_the_workspace_can_stand_in_for_a_preloaded_module(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    for name in ("decimal", "argparse", "runpy", "assay_judge", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("SHADOWED = True\nprint('shadowed')\n")
    for flags in (("-I",), ("-P",)):
        finished = bootstrap(tmp_path, flags=flags)
        assert finished.returncode == 0, finished.stderr
        assert "shadowed" not in finished.stdout
        assert json.loads(finished.stdout)["decimal_is_ours"] is False


def test_ready_comes_before_candidate_code(tmp_path):
    (tmp_path / "train.py").write_text("import os, time\nos.write(1, b'candidate')\ntime.sleep(0.2)\n")
    reader, writer = os.pipe()
    # One pipe for both: the order of what is in it is the order of what happened.
    command = [sys.executable, "-I", PACKAGE / "bootstrap.py", "train.py"]
    environment = {**os.environ, "ASSAY_READY_FD": str(writer)}
    subprocess.run(command, cwd=tmp_path, env=environment, pass_fds=[writer], stdout=writer, timeout=60)
    os.close(writer)
    assert os.read(reader, 100) == b"Rcandidate"
    os.close(reader)


def test_a_start_that_could_be_shadowed_is_refused(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    finished = bootstrap(tmp_path, flags=())
    assert finished.returncode == 2
    assert "-I or -P" in finished.stderr


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        ("print('x' * 100_000)", 0, ""),
        ("raise ValueError('broken')", 1, "ValueError: broken"),
        ("import sys; sys.exit(7)", 7, ""),
        ("import sys; sys.exit('a reason')", 1, "a reason"),
    ],
)
def test_bootstrap_ends_as_the_script_does(tmp_path, script: str, code: int, words: str):
    (tmp_path / "train.py").write_text(script)
    finished = bootstrap(tmp_path)
    assert finished.returncode == code
    assert words in finished.stderr
    assert len(finished.stdout) == (100_001 if code == 0 else 0)


CANDIDATE_HEAD = "import os, torch\nprint('noise at import')\n"
UNIFORM = """
def load_model(path):
    print("noise at load")
    def model(tokens):
        print("noise at call")
        os.write(1, b"raw noise")
        return torch.zeros(*tokens.shape, 256)
    return model
"""
LEARNS = """
def load_model(path):
    counts = torch.ones(256)
    def model(tokens):
        logits = counts.log().expand(*tokens.shape, 256).clone()
        counts.add_(torch.bincount(tokens.flatten(), minlength=256))
        return logits
    return model
"""
FAILS = """
def load_model(path):
    raise RuntimeError("no such checkpoint: " + open(path).read())
"""
DIES = """
def load_model(path):
    return lambda tokens: os._exit(3)
"""
WRONG_SHAPE = """
def load_model(path):
    return lambda tokens: torch.zeros(*tokens.shape, 300)
"""


def judge_process(tmp_path: Path, candidate: str) -> dict:
    """The result of the two programs talking to each other, as the supervisor starts them."""
    pytest.importorskip("torch")
    workspace, data = tmp_path / "workspace", tmp_path / "data"
    workspace.mkdir()
    (data / "heldout").mkdir(parents=True)
    english(4097).tofile(data / "heldout" / "heldout.bin")
    (workspace / "train.py").write_text(CANDIDATE_HEAD + candidate)
    to_host, to_judge = os.pipe(), os.pipe()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    host_command = [sys.executable, "-I", PACKAGE / "model_host.py", "--preload", "torch,numpy"]
    host_command += ["--script", workspace / "train.py"]
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "checkpoint.pt").write_bytes(b"weights")
    host = subprocess.Popen(
        host_command,
        stdin=to_host[0],
        stdout=to_judge[1],
        stderr=subprocess.PIPE,
        env=environment,
        cwd=workspace,
    )
    os.close(to_host[0])
    os.close(to_judge[1])
    environment |= {"ASSAY_PEER_OUT_FD": str(to_host[1]), "ASSAY_PEER_IN_FD": str(to_judge[0])}
    judge_command = [sys.executable, "-I", PACKAGE / "language_model.py", "--data", data, "--bytes", "4096"]
    judge_command += ["--seed", "3", "--result", tmp_path / "result.json"]
    judge_command += ["--checkpoint", tmp_path / "output" / "checkpoint.pt"]
    passed = [to_host[1], to_judge[0]]
    judge = subprocess.Popen(judge_command, pass_fds=passed, env=environment, stderr=subprocess.PIPE)
    for descriptor in passed:
        os.close(descriptor)
    started = time.monotonic()
    _, errors = judge.communicate(timeout=80)
    assert judge.returncode == 0, errors
    host.communicate(timeout=80 - (time.monotonic() - started))
    return json.loads((tmp_path / "result.json").read_text())


def test_what_a_candidate_prints_cannot_reach_the_judge(tmp_path):
    result = judge_process(tmp_path, UNIFORM)
    assert result["valid"] is True, result
    assert result["value"] == pytest.approx(8.0)


def test_a_model_cannot_carry_what_it_saw_into_the_next_request(tmp_path):
    result = judge_process(tmp_path, LEARNS)
    assert result["valid"] is True, result
    assert result["value"] == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("candidate", "failure", "words"),
    [
        (FAILS, "crash", "no such checkpoint"),
        (DIES, "crash", "ended before"),
        (WRONG_SHAPE, "invalid-metric", "300"),
    ],
)
def test_a_model_that_breaks_is_explained(tmp_path, candidate: str, failure: str, words: str):
    result = judge_process(tmp_path, candidate)
    assert result["valid"] is False
    assert result["failure"] == failure
    assert words in result["reason"]


TRAINS_IN_LOAD = """
import time
def load_model(path):
    stop = time.process_time() + 1.5
    while time.process_time() < stop:
        torch.randn(64, 64) @ torch.randn(64, 64)
    return lambda tokens: torch.zeros(*tokens.shape, 256)
"""
TRAINS_IN_THE_FIRST_ANSWERS = """
import time
def load_model(path):
    def model(tokens):
        stop = time.process_time() + 0.3
        while time.process_time() < stop:
            torch.randn(64, 64) @ torch.randn(64, 64)
        return torch.zeros(*tokens.shape, 256)
    return model
"""
LEAVES_A_PROCESS = """
import time
def load_model(path):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(20)
        os._exit(0)
    return lambda tokens: torch.zeros(*tokens.shape, 256)
"""
WORKS_BESIDE = """
import hashlib, threading
def load_model(path):
    def work():
        while True:
            hashlib.sha256(bytes(1 << 20)).digest()
    for _ in range(4):
        threading.Thread(target=work, daemon=True).start()
    return lambda tokens: torch.zeros(*tokens.shape, 256)
"""
SHARES_MEMORY = """
import mmap
def load_model(path):
    shared = torch.frombuffer(mmap.mmap(-1, 2048), dtype=torch.float64)
    def model(tokens):
        logits = torch.log1p(shared).float().expand(*tokens.shape, 256).clone()
        shared.add_(torch.bincount(tokens.flatten(), minlength=256))
        return logits
    return model
"""
FORGES = """
import stat
def load_model(path):
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2 and stat.S_ISFIFO(os.fstat(int(name)).st_mode):
                os.write(int(name), bytes(64))
        except OSError:
            pass
    return lambda tokens: torch.zeros(*tokens.shape, 256)
"""
ENDS_ITS_HOST = """
def load_model(path):
    os.kill(os.getppid(), 9)
"""
REACHES_FOR_THE_HOST = """
def load_model(path):
    reached = []
    for name in ("mem", "environ", "fd/3", "fd/4", "fd/5"):
        try:
            open(f"/proc/{os.getppid()}/{name}", "r+b" if name == "mem" else "rb").close()
            reached.append(name)
        except OSError:
            pass
    if reached and os.getuid() != 0:
        raise RuntimeError("reached " + " ".join(reached))
    return lambda tokens: torch.zeros(*tokens.shape, 256)
"""


@pytest.mark.parametrize(
    ("candidate", "check"),
    [
        (TRAINS_IN_LOAD, "untimed-load"),
        (TRAINS_IN_THE_FIRST_ANSWERS, "untimed-load"),
        (LEAVES_A_PROCESS, "host-processes"),
        (WORKS_BESIDE, "scoring-work"),
        (SHARES_MEMORY, "statelessness"),
        (FORGES, "protocol"),
        (ENDS_ITS_HOST, "protocol"),
    ],
)
def test_a_candidate_that_cheats_in_its_host_is_suspected(tmp_path, candidate: str, check: str):
    result = judge_process(tmp_path, candidate)
    assert result["valid"] is False
    assert result["suspected"] is True
    assert check in {one["id"] for one in result["checks"] if not one["ok"]}


def test_a_candidate_cannot_reach_into_its_host(tmp_path):
    result = judge_process(tmp_path, REACHES_FOR_THE_HOST)
    assert result["valid"] is True, result
