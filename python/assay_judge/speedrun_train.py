"""Drives a candidate's training and counts what it takes: the judge of the first half of a speedrun.

    python -P -m assay_judge.speedrun_train --data <folder with train.bin> --result <folder>/result.json ...

Trusted. The candidate trains in another sandbox that holds no text at all. It gets its text from here, one batch for
each step, over the two pipes of a peer, so the number of steps is the number of batches that were handed out, and the
clock runs here:

1. The candidate may build and compile for --untimed-limit seconds. It has no text, so there is nothing to learn from.
2. It sends READY with its untrained model. That state is hashed and kept; speedrun_score.py refuses one that knows
   anything. The clock starts with the answer.
3. NEXT asks for a batch, uint8 [rows, length + 1]: windows of the text in an order drawn from the judge's secret, each
   window once before any comes again.
4. After every --every steps it sends SNAPSHOT, its model as it is. The clock runs on while it does.
5. DONE ends the run.

Snapshots and what was measured lie beside the result for speedrun_score.py, which finds when the target was reached.
This program writes a result only when there is nothing to score.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import select
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge.language_model import write_result
from assay_judge.protocol import HostFailure, grow_pipe

MAGIC = b"SR01"
HEADER = struct.Struct("<4sBI")
"""Magic, kind, bytes that follow; in both directions."""
READY, NEXT, SNAPSHOT, DONE, BATCH = range(5)
RECORD_FILE = "run.record"
CHECKPOINT_FILE = "checkpoint.pt"


@dataclass(frozen=True)
class Rules:
    """What the task fixes for every candidate."""

    rows: int
    """Rows of a batch."""
    length: int
    """Inputs in a row; a row is one byte longer."""
    every: int
    """Steps between snapshots."""
    most_steps: int
    untimed_seconds: float
    timed_seconds: float
    snapshot_bytes: int


@dataclass
class Run:
    """What was measured."""

    steps: int = 0
    untimed_seconds: float = 0.0
    seconds: float = 0.0
    state_at_start: str = ""
    """SHA-256 of the untrained model, taken before the clock starts."""
    snapshots: list[dict] = field(default_factory=list)
    """Of each: folder, steps, seconds on the clock when it was whole."""


def batches(text: np.ndarray, rules: Rules, seed: int) -> Iterator[bytes]:
    """Batches without end. text: uint8 [N]. Every window of it once in each pass, in a new order."""
    generator = np.random.default_rng(seed)
    windows = (len(text) - 1) // rules.length
    reach = np.arange(rules.length + 1)
    waiting = np.empty(0, dtype=np.int64)
    while True:
        while len(waiting) < rules.rows:
            offset = int(generator.integers(len(text) - windows * rules.length))
            waiting = np.concatenate([waiting, generator.permutation(windows) * rules.length + offset])
        starts, waiting = waiting[: rules.rows], waiting[rules.rows :]
        yield text[starts[:, None] + reach].tobytes()


class Trainee:
    """The judge's end of the pipes to the process that trains. Everything that comes from there is hostile."""

    def __init__(self, to_peer: int, from_peer: int) -> None:
        self._to, self._from = to_peer, from_peer
        for descriptor in (to_peer, from_peer):
            os.set_blocking(descriptor, False)
            grow_pipe(descriptor)

    def receive(self, deadline: float, largest: int) -> tuple[int, bytes]:
        """The next message: its kind and what it carries. Raises HostFailure."""
        header = self._read(HEADER.size, deadline)
        magic, kind, size = HEADER.unpack(header)
        if magic != MAGIC or kind not in (READY, NEXT, SNAPSHOT, DONE):
            raise HostFailure("invalid-metric", "training sent something that is no message")
        if size > (largest if kind in (READY, SNAPSHOT) else 0):
            raise HostFailure("invalid-metric", f"training sent {size} bytes where at most {largest} are allowed")
        return kind, self._read(size, deadline)

    def send(self, kind: int, payload: bytes, deadline: float) -> None:
        """One message."""
        view = memoryview(HEADER.pack(MAGIC, kind, len(payload)) + payload)
        while view:
            self._wait([], [self._to], deadline)
            try:
                view = view[os.write(self._to, view) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise HostFailure("crash", "training ended before it was done") from None

    def _read(self, size: int, deadline: float) -> bytes:
        content = bytearray(size)
        view = memoryview(content)
        while view:
            self._wait([self._from], [], deadline)
            try:
                count = os.readv(self._from, [view])
            except BlockingIOError:
                continue
            if count == 0:
                raise HostFailure("crash", "training ended before it was done")
            view = view[count:]
        return bytes(content)

    @staticmethod
    def _wait(readers: list[int], writers: list[int], deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0 or not any(select.select(readers, writers, [], left)):
            raise HostFailure("timeout", "training took longer than it may")


def drive(trainee: Trainee, text: np.ndarray, rules: Rules, seed: int, folder: Path) -> Run:
    """One training run. Keeps the snapshots below `folder`. Raises HostFailure."""
    run = Run()
    begin = time.monotonic()
    kind, state = trainee.receive(begin + rules.untimed_seconds, rules.snapshot_bytes)
    if kind != READY:
        raise HostFailure("invalid-metric", "training must begin with its untrained model")
    run.state_at_start = hashlib.sha256(state).hexdigest()
    keep(run, state, 0.0, folder)
    source = batches(text, rules, seed)
    run.untimed_seconds = time.monotonic() - begin
    start = time.monotonic()
    deadline = start + rules.timed_seconds
    trainee.send(READY, b"", deadline)
    while True:
        kind, state = trainee.receive(deadline, rules.snapshot_bytes)
        now = time.monotonic() - start
        is_due = run.steps > 0 and run.steps % rules.every == 0 and run.snapshots[-1]["steps"] < run.steps
        if kind == DONE:
            run.seconds = now
            return run
        if kind == SNAPSHOT and is_due:
            keep(run, state, now, folder)
        elif kind == NEXT and not is_due and run.steps < rules.most_steps:
            run.steps += 1
            trainee.send(BATCH, next(source), deadline)
        else:
            words = {READY: "began again", SNAPSHOT: "sent a snapshot", NEXT: "asked for a batch"}[kind]
            raise HostFailure("invalid-metric", f"training {words} after {run.steps} steps, which is not its turn")


def keep(run: Run, state: bytes, seconds: float, folder: Path) -> None:
    """Writes a snapshot to a folder of its own."""
    name = f"{run.steps:06d}"
    (folder / name).mkdir(parents=True)
    (folder / name / CHECKPOINT_FILE).write_bytes(state)
    run.snapshots.append({"folder": name, "steps": run.steps, "seconds": seconds})


def add_rules(parser: argparse.ArgumentParser) -> None:
    """The options of `Rules`."""
    parser.add_argument("--rows", type=int, required=True, help="rows of a batch")
    parser.add_argument("--length", type=int, required=True, help="inputs in a row")
    parser.add_argument("--every", type=int, required=True, help="steps between snapshots")
    parser.add_argument("--most-steps", type=int, required=True)
    parser.add_argument("--untimed-limit", type=float, default=180.0, help="seconds before the clock starts")
    parser.add_argument("--timed-limit", type=float, default=120.0, help="seconds of training")
    parser.add_argument("--snapshot-limit", type=int, default=64 << 20, help="largest snapshot in bytes")


def main() -> int:
    parser = argparse.ArgumentParser(description="Hand out text to a training run and count its steps.")
    parser.add_argument("--data", type=Path, required=True, help="holds train.bin")
    parser.add_argument("--seed", type=int, required=True, help="secret: the order of the text comes from it")
    parser.add_argument("--result", type=Path, required=True)
    add_rules(parser)
    options = parser.parse_args()
    rules = Rules(
        rows=options.rows,
        length=options.length,
        every=options.every,
        most_steps=options.most_steps,
        untimed_seconds=options.untimed_limit,
        timed_seconds=options.timed_limit,
        snapshot_bytes=options.snapshot_limit,
    )
    text = np.fromfile(options.data / "train.bin", dtype=np.uint8)
    if len(text) < rules.length + 1:
        sys.stderr.write(f"speedrun_train: {options.data}/train.bin is too short; run prepare_data.py\n")
        return 2
    trainee = Trainee(int(os.environ["ASSAY_PEER_OUT_FD"]), int(os.environ["ASSAY_PEER_IN_FD"]))
    folder = options.result.parent
    try:
        run = drive(trainee, text, rules, options.seed, folder / "snapshots")
    except HostFailure as found:
        write_result(options.result, {"valid": False, "failure": found.failure, "reason": found.reason, "checks": []})
        sys.stderr.write(f"speedrun_train: {found.reason}\n")
        return 1
    (folder / RECORD_FILE).write_text(json.dumps(asdict(run)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
