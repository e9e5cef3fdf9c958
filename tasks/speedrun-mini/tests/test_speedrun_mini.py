"""The speedrun on a CPU: the judge that hands out text, the candidate's end, how a run becomes steps to a target."""

from __future__ import annotations

import json
import os
import re
import struct
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml
from assay_judge import protocol, speedrun_score, speedrun_train
from assay_judge.host_cost import CostLimits
from assay_judge.language_checks import GapLimits
from assay_judge.language_model import Contract, SplitText, first_failed
from assay_judge.protocol import HostFailure, Peer
from assay_judge.speedrun_score import Point, Scorer, crossing, score
from assay_judge.speedrun_train import NEXT, READY, SNAPSHOT, Rules, Trainee, batches, drive
from hand_made_hosts import NO_CANARIES, english, reply_header

TASK = Path(__file__).resolve().parents[1]
TEXT = english(40 * 256 + 1)
RULES = Rules(rows=4, length=256, every=2, most_steps=6, untimed_seconds=20, timed_seconds=20, snapshot_bytes=1 << 20)
PATTERNS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((TASK / "patterns").glob("*.yaml"))}


def apply(text: str, name: str, *, reverse: bool = False) -> str:
    """Applies one pattern's edits, or takes them back."""
    for edit in PATTERNS[name]["edits"]:
        find, replace = (edit["replace"], edit["find"]) if reverse else (edit["find"], edit["replace"])
        assert text.count(find) == 1, (name, find)
        text = text.replace(find, replace)
    return text


def test_the_text_is_that_of_nanochat_cpu():
    for name in ("prepare_data.py", "data.lock.json"):
        assert (TASK / name).read_bytes() == (TASK.parent / "nanochat-cpu" / name).read_bytes()


def test_the_task_and_the_harness_agree():
    harness = (TASK / "harness.py").read_text()
    command = yaml.safe_load((TASK / "task.yaml").read_text())["phases"][0]["command"]
    for option, name in {"--rows": "BATCH_ROWS", "--length": "CONTEXT_LENGTH", "--every": "SNAPSHOT_EVERY"}.items():
        assert f"{name} = {command[command.index(option) + 1]}\n" in harness


def test_each_pass_over_the_text_shows_every_window_once():
    source = batches(np.arange(10 * 8 + 1, dtype=np.uint8), Rules(5, 8, 1, 9, 1, 1, 1), seed=3)
    for _ in range(3):
        rows = np.frombuffer(next(source) + next(source), dtype=np.uint8).reshape(10, 9)
        assert sorted(rows[:, 0].tolist()) == list(range(0, 80, 8))
        assert (np.diff(rows.astype(int), axis=1) == 1).all()


@contextmanager
def driven(tmp_path: Path, candidate, rules: Rules = RULES):
    """A run of `candidate(reader, writer)`, which has the candidate's ends of the pipes, in a thread."""
    to_peer, from_peer = os.pipe(), os.pipe()

    def run() -> None:
        with os.fdopen(to_peer[0], "rb") as reader, os.fdopen(from_peer[1], "wb") as writer:
            try:
                candidate(reader, writer)
            except (BrokenPipeError, struct.error):
                pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield lambda: drive(Trainee(to_peer[1], from_peer[0]), TEXT, rules, 1, tmp_path / "snapshots")
    finally:
        os.close(to_peer[1])
        os.close(from_peer[0])
        thread.join(timeout=10)


def saying(*messages: tuple[int, bytes]):
    """A candidate that sends what it likes."""

    def run(reader, writer) -> None:
        for kind, payload in messages:
            writer.write(speedrun_train.HEADER.pack(b"SR01", kind, len(payload)) + payload)
            writer.flush()
        reader.read()

    return run


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([(NEXT, b"")], "must begin"),
        ([(READY, b"s"), (READY, b"s")], "began again after 0"),
        ([(READY, b"s"), (SNAPSHOT, b"s")], "sent a snapshot after 0"),
        ([(READY, b"s"), (NEXT, b""), (NEXT, b""), (NEXT, b"")], "asked for a batch after 2"),
        ([(READY, b"s"), (NEXT, b"much")], "sent 4 bytes"),
        ([(READY, b"s" * (2 << 20))], "at most 1048576"),
        ([(READY, b"s"), *[(NEXT, b""), (NEXT, b""), (SNAPSHOT, b"s")] * 3, (NEXT, b"")], "asked for a batch after 6"),
        ([(9, b"")], "no message"),
    ],
)
def test_a_run_that_leaves_its_turn_is_refused(tmp_path, messages, words: str):
    with driven(tmp_path, saying(*messages)) as run, pytest.raises(HostFailure, match=words):
        run()


def test_time_before_and_on_the_clock_is_bounded(tmp_path):
    rules = Rules(**(RULES.__dict__ | {"untimed_seconds": 0.2, "timed_seconds": 0.3}))
    for number, messages in enumerate([[], [(READY, b"s")]]):
        begin = time.monotonic()
        with driven(tmp_path / str(number), saying(*messages), rules) as run, pytest.raises(HostFailure) as found:
            run()
        assert found.value.failure == "timeout"
        assert time.monotonic() - begin < 5


@pytest.mark.parametrize("name", ["vanilla", "muon"])
def test_train_py_takes_its_batches_and_leaves_snapshots(name: str, tmp_path, monkeypatch, capsys):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    harness = ModuleType("harness")
    exec((TASK / "harness.py").read_text().replace("SNAPSHOT_EVERY = 20", "SNAPSHOT_EVERY = 2"), harness.__dict__)
    monkeypatch.setitem(sys.modules, "harness", harness)
    monkeypatch.setenv("ASSAY_SEED", "3")
    text = (TASK / "train.py").read_text()
    text = text if name == "vanilla" else apply(text, name)
    for constant, value in {"LAYERS": 1, "WIDTH": 32, "HEADS": 2, "STEPS": 4}.items():
        text, count = re.subn(rf"^{constant} = .*$", f"{constant} = {value}", text, flags=re.MULTILINE)
        assert count == 1
    program = ModuleType("candidate")
    exec(compile(text, "train.py", "exec"), program.__dict__)

    def candidate(reader, writer) -> None:
        monkeypatch.setattr(harness, "Run", lambda real=harness.Run: real(reader, writer))
        program.train()

    with driven(tmp_path, candidate) as run:
        found = run()
    assert found.steps == 4
    assert [one["steps"] for one in found.snapshots] == [0, 2, 4]
    assert 0 < found.snapshots[1]["seconds"] < found.snapshots[2]["seconds"] <= found.seconds
    assert "train_loss" in capsys.readouterr().out
    states = [(tmp_path / "snapshots" / one["folder"] / "checkpoint.pt").read_bytes() for one in found.snapshots]
    assert len(set(states)) == 3
    model = program.load_model(str(tmp_path / "snapshots" / "000004" / "checkpoint.pt"))
    assert model(torch.zeros(2, 5, dtype=torch.int64)).shape == (2, 5, 256)


def test_every_two_patterns_combine_and_come_off():
    text = (TASK / "train.py").read_text()
    for name in PATTERNS:
        text = apply(text, name)
    for name in PATTERNS:
        text = apply(text, name, reverse=True)
    assert text == (TASK / "train.py").read_text()


def test_the_warm_down_begins_before_the_start_reaches_the_target(monkeypatch):
    """It was measured to take 255 steps of its 400 (README.md): a fall that begins later changes no result."""
    pytest.importorskip("torch")
    harness = ModuleType("harness")
    exec((TASK / "harness.py").read_text(), harness.__dict__)
    monkeypatch.setitem(sys.modules, "harness", harness)
    program = ModuleType("candidate")
    exec(compile(apply((TASK / "train.py").read_text(), "warm-down"), "train.py", "exec"), program.__dict__)
    assert program.STEPS == 400
    assert program.learning_rate_factor(200 / 400) < 1


def test_no_prediction_exceeds_what_the_start_takes():
    assert all(max(pattern["predicted_gain"]) < 255 / 2 for pattern in PATTERNS.values())


def test_the_target_is_met_on_a_straight_line_between_two_snapshots():
    found = crossing(Point(40, 1.0, 3.0), Point(60, 2.0, 2.0), 2.25)
    assert (found.steps, found.seconds) == (55.0, 1.75)


def scored(tmp_path: Path, bits: list[float], target: float) -> tuple[dict, list[dict]]:
    """The score of a run whose snapshots need these bits for each byte of a text of one letter."""
    folder = tmp_path / "snapshots"
    run = {"steps": 20 * (len(bits) - 1), "untimed_seconds": 1.0, "seconds": 9.0, "state_at_start": "0" * 64}
    run["snapshots"] = [
        {"folder": str(place), "steps": 20 * place, "seconds": float(place)} for place in range(len(bits))
    ]
    for place, value in enumerate(bits):
        (folder / str(place)).mkdir(parents=True)
        (folder / str(place) / "checkpoint.pt").write_text(json.dumps(value))
    to_host, to_judge = os.pipe(), os.pipe()

    def host() -> None:
        chance = 0.0
        while header := protocol.read_exactly(to_host[0], protocol.REQUEST_HEADER.size):
            _, kind, request, rows, length = protocol.REQUEST_HEADER.unpack(header)
            if kind == protocol.REQUEST_LOAD:
                chance = 2 ** -json.loads(protocol.read_exactly(to_host[0], rows) or b"0")
                protocol.write_all(to_judge[1], reply_header(request, protocol.STATUS_LOADED))
                continue
            protocol.read_exactly(to_host[0], rows * length)
            logits = np.full((rows, length, 256), np.log((1 - chance) / 255), np.float32)
            logits[..., ord("a")] = np.log(chance)
            protocol.write_all(to_judge[1], reply_header(request, protocol.STATUS_LOGITS, logits.shape))
            protocol.write_all(to_judge[1], logits.tobytes())

    thread = threading.Thread(target=host, daemon=True)
    thread.start()
    contract = Contract(
        scored_bytes=1024,
        seed=1,
        checkpoint=folder,
        checkpoint_limit=1 << 20,
        cost=CostLimits(load=1, single=1, row=1, beside=1),
        gaps=GapLimits(region=20.0, canary=0.4, split=0.12),
    )
    checks: list[dict] = []
    try:
        peer = Peer(to_host[1], to_judge[0], time.monotonic() + 30)
        split = SplitText(np.full(1025, ord("a"), np.uint8), NO_CANARIES)
        return score(run, Scorer(folder, split, contract, peer, checks), target), checks
    finally:
        os.close(to_host[1])
        thread.join(timeout=10)
        for descriptor in (to_host[0], *to_judge):
            os.close(descriptor)


def test_the_first_snapshot_from_which_on_all_are_below_the_target_counts(tmp_path):
    result, checks = scored(tmp_path, [8.0, 2.9, 3.5, 2.5, 2.0], 3.0)
    assert first_failed(checks) is None, checks
    assert result["value"] == pytest.approx(50.0, abs=0.01)
    assert result["metrics"]["seconds"] == pytest.approx(2.5, abs=0.001)
    assert result["metrics"]["final_bpb"] == pytest.approx(2.0, abs=1e-4)
    assert result["metrics"]["steps"] == result["value"]
    assert {"target", "untrained-start", "scored-twice", "causality", "protocol"} <= {one["id"] for one in checks}


def test_a_run_that_ends_above_the_target_has_no_result_and_is_not_suspected(tmp_path):
    result, checks = scored(tmp_path, [8.0, 2.9, 3.5], 3.0)
    assert result == {}
    refused = speedrun_score.refusal(checks, None)
    assert (refused["check"], refused["suspected"]) == ("target", False)


def test_a_model_that_knows_something_before_the_clock_is_refused(tmp_path):
    result, checks = scored(tmp_path, [5.0, 3.5, 2.5], 3.0)
    assert result == {}
    refused = speedrun_score.refusal(checks, None)
    assert (refused["check"], refused["suspected"]) == ("untrained-start", True)
