"""What the language-model judge does differently for a GPU, as far as a machine without one can show it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from assay_judge import model_host
from assay_judge.host_cost import CostLimits, HostCost
from assay_judge.protocol import Cost, HostFailure, Peer
from hand_made_hosts import Account, answering, english, judged

WALL = CostLimits(load=2.0, single=1.0, row=0.01, beside=0.02, answer=1.0, wall=True)
PACKAGE = Path(model_host.__file__).parent

CANDIDATE = """
import torch

def load_model(path):
    bias = torch.load(path, weights_only=True)
    torch.zeros(1 << 20).mul_(2)  # large enough for several threads
    def model(tokens):
        torch.zeros(1 << 20).mul_(2)
        return bias.expand(*tokens.shape, 256)
    return model
"""


def account_of(answer_wall_seconds: float, devices: int = 0) -> dict[str, dict]:
    """The checks of a host whose CPU time is nothing and whose answers take some time on the wall."""
    cost = HostCost(rates=[100e9], wall=True)
    cost.loaded(Cost(0.0, 0.0, 1, 1, 0.0), 1.0)
    for rows in (1, 100):
        cost.asked()
        after = Cost(0.0, 0.0, 2, 1, time.monotonic() + answer_wall_seconds, devices)
        cost.answered(after, rows=rows, is_alone=rows == 1)
    return {one["id"]: one for one in cost.records(WALL)}


def test_work_on_a_device_counts_by_the_wall():
    assert all(one["ok"] for one in account_of(1.5).values())
    slow = account_of(2.5)
    assert not slow["scoring-work"]["ok"]
    assert "wall time" in slow["scoring-work"]["detail"]
    assert not account_of(3.5)["untimed-load"]["ok"]


def test_a_loader_that_holds_a_device_is_found():
    assert not account_of(0.1, devices=1)["host-processes"]["ok"]
    account = Account()
    account.devices = 2
    text = english(4 * 256 + 1)
    result = judged(answering(lambda tokens: np.zeros((*tokens.shape, 256)), account), text)
    assert result["check"] == "host-processes"
    assert result["suspected"] is True


def test_device_files_are_counted_whether_open_or_mapped(monkeypatch):
    monkeypatch.setattr(model_host, "DEVICE_PREFIXES", ("/dev/zero",))
    assert model_host.devices_of(os.getpid()) == 0
    with open("/dev/zero", "rb"):
        assert model_host.devices_of(os.getpid()) == 1


def test_a_process_that_has_ended_holds_no_device_and_one_that_hides_its_descriptors_is_an_error():
    """As a user without rights: to them the kernel shows no descriptors of a process that has ended."""
    watcher = os.fork()
    if watcher == 0:
        if os.getuid() == 0:
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
        code = 1
        try:
            ended = os.fork()
            if ended == 0:
                os._exit(0)
            os.waitid(os.P_PID, ended, os.WEXITED | os.WNOWAIT)
            assert model_host.devices_of(ended) == 0
            try:
                model_host.devices_of(1)
            except PermissionError:
                code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(watcher, 0)[1]) == 0


def test_a_larger_window_is_scored_once_and_needs_its_whole_length():
    text = english(8 * 1024 + 1)
    lengths = set()

    def answer(tokens: np.ndarray) -> np.ndarray:
        lengths.add(tokens.shape[1])
        return np.zeros((*tokens.shape, 256))

    result = judged(answering(answer), text, context=1024, batch_rows=64)
    assert result["valid"] is True, result
    assert result["value"] == pytest.approx(8.0)
    assert max(lengths) == 1024
    assert result["metrics"]["bytes_scored"] == 8 * 1024


def test_a_host_with_many_threads_survives_its_forks_and_takes_a_second_checkpoint(tmp_path):
    torch = pytest.importorskip("torch")
    (tmp_path / "train.py").write_text(CANDIDATE)
    to_host, to_judge = os.pipe(), os.pipe()
    host = subprocess.Popen(
        [sys.executable, "-I", PACKAGE / "model_host.py", "--preload", "torch,numpy", "--script", "train.py"],
        stdin=to_host[0],
        stdout=to_judge[1],
        env=os.environ | {"OMP_NUM_THREADS": "4"},
        cwd=tmp_path,
    )
    os.close(to_host[0])
    os.close(to_judge[1])
    try:
        peer = Peer(to_host[1], to_judge[0], time.monotonic() + 60)
        answers = []
        for value in (1.0, 2.0):
            torch.save(torch.full((256,), value), tmp_path / "bias.pt")
            cost = peer.load((tmp_path / "bias.pt").read_bytes())
            assert cost.processes == 1
            logits, _ = peer.logits(np.zeros((2, 3), np.uint8))
            answers.append(float(logits.max()))
        assert answers == [1.0, 2.0]
        with pytest.raises(HostFailure, match="failed"):
            peer.load(b"no checkpoint")
    finally:
        os.close(to_host[1])
        host.wait(timeout=30)
        os.close(to_judge[0])
