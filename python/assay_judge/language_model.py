"""The judge of byte-level language models: bits per byte on held-out text that the candidate never gets.

    python -I <folder>/assay_judge/language_model.py --data <folder> --split heldout --seed <secret> \\
        --checkpoint checkpoint.pt --result r.json

Trusted, numpy only, never runs candidate code. It talks to a model host (model_host.py, in another sandbox) over
the descriptors in ASSAY_PEER_OUT_FD (requests) and ASSAY_PEER_IN_FD (replies); plan.py says what it shows. It hands
over the checkpoint and inputs, never targets, and computes the score itself in float64 from logits over all 256 bytes.

The result file, written whole or not at all, holds either

    {"valid": true, "metric": "val_bpb", "value": ..., "metrics": {...}, "checks": [...]}
    {"valid": false, "failure": "invalid-metric" | "crash" | "timeout", "reason": "...", "checks": [...]}

with `"check": <id>` in the second form when a check refused it, and `"suspected": true` when that check found what an
honest model cannot do. Exit code 0 when a result was written, in either form; 2 for a mistake in arguments or data.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge.canary_text import CANARY_BYTES
from assay_judge.checkpoint_code import dangerous_globals
from assay_judge.checkpoint_file import CheckpointFile, read_checkpoint
from assay_judge.host_cost import CostLimits, HostCost
from assay_judge.language_checks import (
    NOT_SUSPICIOUS,
    PLAUSIBLE_FLOOR_BPB,
    GapLimits,
    canary_fires,
    hidden_split_record,
    merged,
    record,
    split_records,
)
from assay_judge.plan import BATCH_ROWS, CONTEXT_LENGTH
from assay_judge.protocol import MAX_LENGTH, MAX_ROWS, HostFailure, Peer, ProtocolBroken, WrongShape
from assay_judge.scoring import NotFinite, SplitScore

CANARY_FILE = "canaries.bin"


@dataclass(frozen=True)
class SplitText:
    """What the judge holds of a split."""

    text: np.ndarray
    """uint8 [N], the whole split; the first bytes are scored."""
    canaries: np.ndarray
    """uint8 [C * CANARY_BYTES], see canary_text.py; empty if the split has none."""


@dataclass(frozen=True)
class Contract:
    """What the task asks of a candidate's model."""

    scored_bytes: int
    seed: int
    checkpoint: Path
    checkpoint_limit: int
    """Bytes."""
    cost: CostLimits
    gaps: GapLimits
    context: int = CONTEXT_LENGTH
    """Bytes in each window that is shown."""
    batch_rows: int = BATCH_ROWS


def judge(
    splits: dict[str, SplitText], contract: Contract, peer: Peer, checks: list[dict], cost: HostCost | None = None
) -> dict:
    """Scores each split and runs the checks into `checks`. Raises HostFailure; a check that fails is in `checks`.

    cost: the account of a host that has answered before.
    """
    fires = canary_fires(contract.seed)
    checks.append(record("canary", fires, "the comparison notices a leak that is planted in it"))
    if not fires:
        raise RuntimeError("the causality check no longer notices a planted leak")
    checkpoint = read_checkpoint(contract.checkpoint, contract.checkpoint_limit)
    checks += checkpoint_records(checkpoint, contract.checkpoint_limit)
    if checkpoint.problem and not checkpoint.is_hostile:
        raise HostFailure("crash", f"the training run left no checkpoint: {checkpoint.problem}")
    if first_failed(checks) is not None:
        return {}

    cost = cost or HostCost(wall=contract.cost.wall)
    begin = time.monotonic()
    loaded = peer.load(checkpoint.content)
    cost.loaded(loaded, loaded.at - begin)
    cost.measure_core()
    scores = {name: score_of(split, contract, place) for place, (name, split) in enumerate(splits.items())}
    for score in scores.values():
        try:
            score.run(peer, cost)
        except NotFinite as found:
            checks.append(record("finite", False, str(found)))
            raise HostFailure("invalid-metric", str(found)) from None
    cost.measure_core()

    found = [one for name, score in scores.items() for one in split_records(name, score, contract.gaps)]
    if "heldout" in scores and "hidden" in scores:
        found.append(hidden_split_record(scores, contract.gaps.split))
    checks += merged(found)
    checks.append(weights_record(checkpoint, scores, contract))
    checks += cost.records(contract.cost)
    peer.expect_silence()
    checks.append(record("answer-shape", True, f"{cost.replies} answers of the shape that was asked for"))
    checks.append(record("protocol", True, f"{cost.replies} replies with the expected id and size, and silence after"))
    metrics = {
        "val_bpb" if name == "heldout" else f"{name}_bpb": score.bits_per_byte() for name, score in scores.items()
    }
    metrics["bytes_scored"] = sum(score.targets.size for score in scores.values())
    metrics["checkpoint_bytes"] = checkpoint.size
    clock = "wall" if cost.wall else "cpu"
    metrics[f"load_{clock}_seconds"] = round(cost.load_seconds, 4)
    metrics[f"answer_{clock}_seconds"] = round(cost.alone_seconds + cost.batch_seconds, 4)
    return {"valid": True, "metric": "val_bpb", "value": metrics.get("val_bpb"), "metrics": metrics, "checks": checks}


def score_of(split: SplitText, contract: Contract, place: int) -> SplitScore:
    """The score of a split before anything is shown. Each has a seed of its own."""
    shape = {"context": contract.context, "batch_rows": contract.batch_rows}
    return SplitScore(split.text, contract.scored_bytes, split.canaries, contract.seed + place, **shape)


def checkpoint_records(checkpoint: CheckpointFile, limit: int) -> list[dict]:
    """What the training run left, and how large it is."""
    dangerous, names = dangerous_globals(checkpoint.content)
    handed = f"{checkpoint.path.name} is handed to the model host, {checkpoint.others} other entries are not"
    asks = f"; it asks for {', '.join(dangerous[:5])}" if dangerous else ", none that runs code"
    return [
        record("output-files", not checkpoint.is_hostile, checkpoint.problem or handed),
        record(
            "checkpoint-size",
            checkpoint.size + checkpoint.other_bytes <= limit,
            f"{checkpoint.size} bytes and {checkpoint.other_bytes} in other files, allowed together {limit}",
        ),
        record("checkpoint-code", not dangerous, f"{names} names in the checkpoint's pickles{asks}"),
    ]


def weights_record(checkpoint: CheckpointFile, scores: dict[str, SplitScore], contract: Contract) -> dict:
    """Whether the weights stayed the same: the file's hash, and the answers of the first and the last batch."""
    after = read_checkpoint(contract.checkpoint, contract.checkpoint_limit)
    same = after.content == checkpoint.content and after.problem == checkpoint.problem
    late = [score.probed["late"] for score in scores.values()]
    detail = (
        f"sha256 {checkpoint.digest()[:16]} before, {after.digest()[:16]} after; {sum(found.probes for found in late)} "
        f"rows answered first and last differ by {max(found.largest for found in late):.2e} nats"
    )
    return record("weights-unchanged", same and all(found.probes > 0 for found in late), detail)


def first_failed(checks: list[dict]) -> dict | None:
    """The first check that is not ok, those that only a dishonest model fails first."""
    failed = [one for one in checks if not one["ok"]]
    return min(failed, key=lambda one: one["id"] in NOT_SUSPICIOUS, default=None)


def judge_or_explain(splits: dict[str, SplitText], contract: Contract, peer: Peer) -> dict:
    """The result in either form. Whatever the host does ends here; a bug of the judge does not."""
    checks: list[dict] = []
    failure, result = None, {}
    try:
        result = judge(splits, contract, peer, checks)
    except HostFailure as found:
        failure = found
    if failure is None and first_failed(checks) is None:
        return result
    return refusal(checks, failure)


def refusal(checks: list[dict], failure: HostFailure | None) -> dict:
    """The result's second form: what failed first, of the checks or of the host."""
    reason = "" if failure is None else failure.reason
    if isinstance(failure, ProtocolBroken):
        checks.append(record("protocol", False, reason))
    elif isinstance(failure, WrongShape):
        checks.append(record("answer-shape", False, reason))
    kind = "invalid-metric" if failure is None else failure.failure
    refused = {"valid": False, "failure": kind, "reason": reason, "checks": checks}
    failed = first_failed(checks)
    if failed is not None:
        refused["check"] = failed["id"]
        refused["suspected"] = failed["id"] not in NOT_SUSPICIOUS
        refused["reason"] = reason or f"check {failed['id']} failed. {failed['detail']}"
    return refused


def read_split(data: Path, name: str, scored_bytes: int) -> SplitText:
    """A split and its canaries. Exits with code 2 when it is too short to be scored."""
    path = data / name / f"{name}.bin"
    if not path.is_file():
        path = data / f"{name}.bin"
    text = np.fromfile(path, dtype=np.uint8) if path.is_file() else np.empty(0, np.uint8)
    if len(text) < scored_bytes + 1:
        sys.stderr.write(f"language_model: {path}: {len(text)} bytes, {scored_bytes + 1} needed; run prepare_data.py\n")
        sys.exit(2)
    canaries = path.with_name(CANARY_FILE)
    found = np.fromfile(canaries, dtype=np.uint8) if canaries.is_file() else np.empty(0, np.uint8)
    if len(found) % CANARY_BYTES:
        sys.stderr.write(f"language_model: {canaries}: not a multiple of {CANARY_BYTES} bytes; run prepare_data.py\n")
        sys.exit(2)
    return SplitText(text, found)


def write_result(path: Path, result: dict) -> None:
    """Writes the result file under its final name only when it is whole. NaN and infinity are refused."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("w") as file:
        json.dump(result, file, indent=2, allow_nan=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def main() -> int:
    started = time.monotonic()
    parser = argparse.ArgumentParser(description="Score a byte-level language model on held-out text.")
    parser.add_argument("--data", type=Path, required=True, help="holds <split>/<split>.bin or <split>.bin")
    parser.add_argument("--split", default="heldout", help="heldout, hidden, or both with a comma")
    parser.add_argument("--bytes", type=int, default=65536, help="bytes to score in each split")
    parser.add_argument("--context", type=int, default=CONTEXT_LENGTH, help="bytes in each window")
    parser.add_argument("--rows", type=int, default=BATCH_ROWS, help="rows of a full batch")
    parser.add_argument("--seed", type=int, required=True, help="secret: order, probes and places come from it")
    parser.add_argument("--checkpoint", type=Path, required=True, help="the one file of the training run that counts")
    parser.add_argument("--checkpoint-limit", type=int, default=16 << 20, help="its largest size in bytes")
    parser.add_argument("--load-limit", type=float, default=0.15, help="seconds of load_model, see host_cost.py")
    parser.add_argument("--single-limit", type=float, default=0.03, help="seconds for each single row")
    parser.add_argument("--beside-limit", type=float, default=0.02, help="CPU seconds beside each answer")
    parser.add_argument("--row-limit", type=float, default=0.03, help="seconds for each row, on average")
    parser.add_argument("--answer-limit", type=float, default=0.0, help="seconds beside the rows for each other answer")
    parser.add_argument("--clock", choices=["cpu", "wall"], default="cpu", help="what limits count; wall for a GPU")
    parser.add_argument("--region-gap", type=float, default=0.3, help="bits per byte, see language_checks.py")
    parser.add_argument("--canary-gap", type=float, default=0.4, help="bits per byte")
    parser.add_argument("--split-gap", type=float, default=0.12, help="bits per byte")
    parser.add_argument("--floor", type=float, default=PLAUSIBLE_FLOOR_BPB, help="bits per byte, no model is better")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for all exchanges together")
    parser.add_argument("--result", type=Path, required=True)
    options = parser.parse_args()
    context = options.context
    if not CONTEXT_LENGTH <= context <= MAX_LENGTH or not BATCH_ROWS <= options.rows <= MAX_ROWS:
        parser.error(f"--context is {CONTEXT_LENGTH} to {MAX_LENGTH}, --rows {BATCH_ROWS} to {MAX_ROWS}")
    if options.bytes < 2 * context or options.bytes % context:
        parser.error(f"--bytes must be a multiple of {context} and at least {2 * context}")

    splits = {name: read_split(options.data, name, options.bytes) for name in options.split.split(",")}
    contract = Contract(
        scored_bytes=options.bytes,
        seed=options.seed,
        checkpoint=options.checkpoint,
        checkpoint_limit=options.checkpoint_limit,
        cost=CostLimits(
            load=options.load_limit,
            single=options.single_limit,
            row=options.row_limit,
            beside=options.beside_limit,
            answer=options.answer_limit,
            wall=options.clock == "wall",
        ),
        gaps=GapLimits(
            region=options.region_gap, canary=options.canary_gap, split=options.split_gap, floor=options.floor
        ),
        context=context,
        batch_rows=options.rows,
    )
    descriptors = int(os.environ["ASSAY_PEER_OUT_FD"]), int(os.environ["ASSAY_PEER_IN_FD"])
    peer = Peer(*descriptors, deadline=started + options.timeout)
    result = judge_or_explain(splits, contract, peer)
    result["judge_seconds"] = round(time.monotonic() - started, 3)
    write_result(options.result, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
