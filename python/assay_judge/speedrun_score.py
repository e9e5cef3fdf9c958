"""Finds when a training run reached its target: the judge of the second half of a speedrun.

    python -P -m assay_judge.speedrun_score --data <folder> --target 2.4 --result <folder>/result.json ...

Trusted, numpy only. It reads what speedrun_train.py left beside the result, hands the snapshots one after the other to
a model host in another sandbox, and measures their bits per byte on text that no process of the candidate held before.

The run has reached the target with the first snapshot from which on none is above it. Steps and seconds are taken
between that snapshot and the one before it, in a straight line through their bits per byte, so that the result is finer
than the distance of two snapshots. That snapshot passes through every check of language_model.py; the untrained model
must know nothing; a run whose last snapshot is above the target has no result.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge.checkpoint_file import read_checkpoint
from assay_judge.host_cost import CostLimits, HostCost
from assay_judge.language_checks import GapLimits, record
from assay_judge.language_model import (
    Contract,
    SplitText,
    checkpoint_records,
    first_failed,
    judge,
    read_split,
    refusal,
    write_result,
)
from assay_judge.plan import BATCH_ROWS, windows_of
from assay_judge.protocol import HostFailure, Peer
from assay_judge.scoring import bits_of, log_softmax
from assay_judge.speedrun_train import CHECKPOINT_FILE, RECORD_FILE

UNTRAINED_BITS = 7.5
"""Bits per byte that a model which has seen nothing needs at least; 8 is what a uniform guess needs."""
SAME_BITS = 1e-3
"""Largest difference between two scores of the same snapshot."""


@dataclass(frozen=True)
class Point:
    """A snapshot that was scored."""

    steps: float
    seconds: float
    bits: float


def crossing(above: Point, below: Point, target: float) -> Point:
    """Where the straight line between two points meets the target."""
    share = (above.bits - target) / (above.bits - below.bits)
    steps = above.steps + share * (below.steps - above.steps)
    return Point(steps, above.seconds + share * (below.seconds - above.seconds), target)


class Scorer:
    """Scores snapshots through one host, one account for all."""

    def __init__(self, folder: Path, split: SplitText, contract: Contract, peer: Peer, checks: list[dict]) -> None:
        self.folder = folder
        self.split = split
        self.contract = contract
        self.peer = peer
        self.checks = checks
        self.cost = HostCost(wall=contract.cost.wall)

    def bits(self, snapshot: dict) -> Point:
        """The score of a snapshot, without the checks that need probes."""
        path = self.path_of(snapshot)
        checkpoint = read_checkpoint(path, self.contract.checkpoint_limit)
        found = checkpoint_records(checkpoint, self.contract.checkpoint_limit)
        failed = first_failed(found)
        if failed is not None:
            self.checks += found
            raise HostFailure("invalid-metric", f"the snapshot at step {snapshot['steps']}: {failed['detail']}")
        begin = time.monotonic()
        loaded = self.peer.load(checkpoint.content)
        self.cost.loaded(loaded, loaded.at - begin)
        inputs, targets = windows_of(self.split.text[: self.contract.scored_bytes + 1], self.contract.context)
        total = 0.0
        for at in range(0, len(inputs), self.contract.batch_rows):
            rows = inputs[at : at + self.contract.batch_rows]
            self.cost.asked()
            logits, after = self.peer.logits(rows)
            self.cost.answered(after, rows=len(rows), is_alone=False)
            if not np.isfinite(logits).all():
                self.checks.append(record("finite", False, f"step {snapshot['steps']}: logits are not finite"))
                raise HostFailure("invalid-metric", "the logits hold values that are not finite")
            for row, wanted in zip(logits, targets[at : at + len(rows)], strict=True):
                total += float(bits_of(log_softmax(row), wanted).sum())
        return Point(snapshot["steps"], snapshot["seconds"], total / targets.size)

    def path_of(self, snapshot: dict) -> Path:
        """Where it lies."""
        return self.folder / snapshot["folder"] / CHECKPOINT_FILE

    def check(self, snapshot: dict) -> dict:
        """Every check of a language model on one snapshot."""
        contract = replace(self.contract, checkpoint=self.path_of(snapshot))
        return judge({"heldout": self.split}, contract, self.peer, self.checks, self.cost)


def score(run: dict, scorer: Scorer, target: float) -> dict:
    """The result of a run. Raises HostFailure; a check that fails is in the scorer's checks."""
    snapshots = run["snapshots"]
    points = {len(snapshots) - 1: scorer.bits(snapshots[-1])}
    last = points[len(snapshots) - 1]
    words = f"{last.bits:.4f} bits per byte after {last.steps} steps, target {target:g}"
    scorer.checks.append(record("target", len(snapshots) > 1 and last.bits <= target, words))
    if last.bits > target or len(snapshots) == 1:
        return {}
    place = len(snapshots) - 1
    while place > 0 and points[place].bits <= target:
        place -= 1
        points[place] = scorer.bits(snapshots[place])
    untrained = points.get(0) or scorer.bits(snapshots[0])
    detail = f"{untrained.bits:.3f} bits per byte before the clock started, sha256 {run['state_at_start'][:16]}"
    scorer.checks.append(record("untrained-start", untrained.bits >= UNTRAINED_BITS, detail))
    if untrained.bits < UNTRAINED_BITS:
        return {}
    found = crossing(points[place], points[place + 1], target)
    checked = scorer.check(snapshots[place + 1])
    if not checked:
        return {}
    difference = abs(checked["metrics"]["val_bpb"] - points[place + 1].bits)
    words = f"scored twice, {difference:.1e} bits per byte apart, allowed {SAME_BITS:g}"
    scorer.checks.append(record("scored-twice", difference <= SAME_BITS, words))
    metrics = checked["metrics"] | {
        "steps": found.steps,
        "seconds": found.seconds,
        "final_bpb": last.bits,
        "final_steps": run["steps"],
        "final_seconds": run["seconds"],
        "untimed_seconds": run["untimed_seconds"],
        "untrained_bpb": untrained.bits,
        "snapshots_scored": len(points) + (0 not in points),
    }
    return {"valid": True, "metric": "steps", "value": found.steps, "metrics": metrics, "checks": scorer.checks}


def main() -> int:
    started = time.monotonic()
    parser = argparse.ArgumentParser(description="Find the step at which a training run reached its target.")
    parser.add_argument("--data", type=Path, required=True, help="holds <split>/<split>.bin or <split>.bin")
    parser.add_argument("--split", default="heldout", help="heldout or hidden")
    parser.add_argument("--target", type=float, required=True, help="bits per byte")
    parser.add_argument("--bytes", type=int, required=True, help="bytes to score")
    parser.add_argument("--context", type=int, required=True, help="bytes in each window")
    parser.add_argument("--rows", type=int, default=BATCH_ROWS, help="rows of a full batch")
    parser.add_argument("--seed", type=int, required=True, help="secret: order, probes and places come from it")
    parser.add_argument("--snapshot-limit", type=int, default=64 << 20, help="largest snapshot in bytes")
    parser.add_argument("--clock", choices=["cpu", "wall"], default="cpu", help="what limits count; wall for a GPU")
    parser.add_argument("--load-limit", type=float, default=0.15, help="seconds of load_model")
    parser.add_argument("--single-limit", type=float, default=0.03, help="seconds for each single row")
    parser.add_argument("--answer-limit", type=float, default=0.0, help="seconds beside the rows for each other answer")
    parser.add_argument("--beside-limit", type=float, default=0.02, help="CPU seconds beside each answer")
    parser.add_argument("--row-limit", type=float, default=0.03, help="seconds for each row, on average")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for all exchanges together")
    parser.add_argument("--result", type=Path, required=True)
    options = parser.parse_args()
    if not math.isfinite(options.target) or options.bytes % options.context:
        parser.error("--target is a number, --bytes a multiple of --context")
    folder = options.result.parent
    run = json.loads((folder / RECORD_FILE).read_text())
    contract = Contract(
        scored_bytes=options.bytes,
        seed=options.seed,
        checkpoint=folder,
        checkpoint_limit=options.snapshot_limit,
        cost=CostLimits(
            load=options.load_limit,
            single=options.single_limit,
            row=options.row_limit,
            beside=options.beside_limit,
            answer=options.answer_limit,
            wall=options.clock == "wall",
        ),
        gaps=GapLimits(region=0.3, canary=0.4, split=0.12),
        context=options.context,
        batch_rows=options.rows,
    )
    split = read_split(options.data, options.split, options.bytes)
    descriptors = int(os.environ["ASSAY_PEER_OUT_FD"]), int(os.environ["ASSAY_PEER_IN_FD"])
    peer = Peer(*descriptors, deadline=started + options.timeout)
    checks: list[dict] = []
    scorer = Scorer(folder / "snapshots", split, contract, peer, checks)
    result, failure = {}, None
    try:
        result = score(run, scorer, options.target)
    except HostFailure as found:
        failure = found
    if failure is not None or first_failed(checks) is not None:
        result = refusal(checks, failure)
    result["judge_seconds"] = round(time.monotonic() - started, 3)
    write_result(options.result, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
