"""The judge of byte-level language models: bits per byte on held-out text that the candidate never gets.

    python -I <folder>/assay_judge/language_model.py --data <folder> --split heldout --seed <secret> --result r.json

Trusted, numpy only, never runs candidate code. It talks to a model host (model_host.py, in another sandbox) over
the descriptors in ASSAY_PEER_OUT_FD (requests) and ASSAY_PEER_IN_FD (replies); plan.py says what it shows. It sends
inputs only, never targets, and computes the score itself in float64 from the logits over all 256 bytes.

The result file, written whole or not at all, holds either

    {"valid": true, "metric": "val_bpb", "value": ..., "metrics": {...}, "checks": [...]}
    {"valid": false, "failure": "invalid-metric" | "crash" | "timeout", "reason": "...", "checks": [...]}

with `"suspected": true` and `"check": <id>` in the second form when a check found what an honest model cannot do.
Exit code 0 when a result was written, in either form; 2 for a mistake in the arguments or the data.
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

from assay_judge.plan import CONTEXT_LENGTH, Row, make_batches, windows_of
from assay_judge.protocol import VOCABULARY, HostFailure, Peer

TOLERANCE = 2e-3
"""Largest change of one log-probability (nats) that counts as rounding. The trained starts stay below 1e-5."""

PLAUSIBLE_FLOOR_BPB = 1.0
"""Below this the score is taken for a leak: large models need about as much for English text."""

CHECK_OF_KIND = {"suffix": "causality", "prefix": "causality-prefix", "repeat": "statelessness"}


@dataclass
class Probed:
    """What one kind of probe found so far: positions compared and the largest change in nats."""

    probes: int = 0
    positions: int = 0
    largest: float = 0.0


class Suspicion(Exception):
    """A check found what an honest model cannot do."""

    def __init__(self, check: str, reason: str) -> None:
        super().__init__(reason)
        self.check = check
        self.reason = reason


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Log-probabilities in nats over the last axis: float32 [..., 256] -> float64 [..., 256]."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def largest_change(left: np.ndarray, right: np.ndarray) -> float:
    """The largest difference between two arrays of log-probabilities, where at least one is above 1e-6."""
    floor = np.log(1e-6)
    return float(np.abs(np.maximum(left, floor) - np.maximum(right, floor)).max())


class SplitScore:
    """Shows one split to the host and keeps what its score and its checks need."""

    def __init__(self, text: np.ndarray, seed: int) -> None:
        self.inputs, self.targets = windows_of(text)
        self.seed = seed
        self.bits = np.zeros(len(self.inputs))
        self.scored = np.zeros(len(self.inputs), dtype=bool)
        self.normalisation_error = 0.0
        self.probed = {kind: Probed() for kind in CHECK_OF_KIND}
        self._first_seen: dict[int, np.ndarray] = {}
        self._waiting: list[tuple[Row, np.ndarray]] = []

    def run(self, peer: Peer) -> None:
        """Exchanges all batches, then compares the probes. Raises HostFailure."""
        batches = make_batches(self.inputs, self.seed)
        wanted = {row.window for batch in batches for row in batch if row.kind != "scored"}
        for batch in batches:
            logits = peer.logits(np.stack([row.inputs for row in batch]))
            if not np.isfinite(logits).all():
                raise HostFailure("invalid-metric", "the logits hold values that are not finite")
            for row, row_logits in zip(batch, logits, strict=True):
                self._take(row, row_logits, wanted)
        for row, logits in self._waiting:
            self._compare(row, logits)

    def _take(self, row: Row, logits: np.ndarray, wanted: set[int]) -> None:
        if row.kind != "scored":
            self._waiting.append((row, logits[: row.shared].copy()))
            return
        if row.window in wanted:
            self._first_seen[row.window] = logits.copy()
        log_probabilities = log_softmax(logits)
        chosen = np.take_along_axis(log_probabilities, self.targets[row.window][:, None].astype(np.int64), axis=1)
        self.bits[row.window] = -chosen.sum() / np.log(2)
        self.scored[row.window] = True
        place = row.window % CONTEXT_LENGTH
        error = abs(float(np.exp(log_probabilities[place]).sum()) - 1.0)
        self.normalisation_error = max(self.normalisation_error, error)

    def _compare(self, row: Row, logits: np.ndarray) -> None:
        expected = log_softmax(self._first_seen[row.window][: row.shared])
        found = self.probed[row.kind]
        found.probes += 1
        found.positions += row.shared
        found.largest = max(found.largest, largest_change(expected, log_softmax(logits)))

    def bits_per_byte(self) -> float:
        """The score. Every byte of the text but the first is counted once."""
        if not self.scored.all():
            raise RuntimeError("the plan left a window out")
        return float(self.bits.sum() / self.targets.size)


def canary_fires(seed: int) -> bool:
    """Whether the comparison still notices a leak: one log-probability of many moved by ten tolerances."""
    generator = np.random.default_rng(seed)
    honest = log_softmax(generator.standard_normal((CONTEXT_LENGTH, VOCABULARY)).astype(np.float32))
    leaking = honest.copy()
    leaking[generator.integers(CONTEXT_LENGTH), generator.integers(VOCABULARY)] += 10 * TOLERANCE
    return largest_change(honest, leaking) > TOLERANCE and largest_change(honest, honest.copy()) <= TOLERANCE


def checks_of(split: str, score: SplitScore) -> list[dict]:
    """One record for each check of a split, with what it compared: a check that compared nothing is not ok."""
    records = []
    for kind, found in score.probed.items():
        detail = (
            f"{split}: {found.probes} probes, {found.positions} positions, "
            f"largest change {found.largest:.2e} nats, allowed {TOLERANCE:.0e}"
        )
        ok = found.probes > 0 and found.largest <= TOLERANCE
        records.append({"id": CHECK_OF_KIND[kind], "ok": ok, "detail": detail})
    records.append(
        {
            "id": "normalised",
            "ok": score.normalisation_error < 1e-9,
            "detail": f"{split}: probabilities sum to 1 within {score.normalisation_error:.1e}",
        }
    )
    bpb = score.bits_per_byte()
    records.append(
        {
            "id": "plausible",
            "ok": bpb >= PLAUSIBLE_FLOOR_BPB,
            "detail": f"{split}: {bpb:.4f} bits per byte, floor {PLAUSIBLE_FLOOR_BPB}",
        }
    )
    return records


def judge(texts: dict[str, np.ndarray], seed: int, peer: Peer, checks: list[dict]) -> dict:
    """Scores each split and runs the checks into `checks`. Raises HostFailure or Suspicion."""
    fires = canary_fires(seed)
    checks.append({"id": "canary", "ok": fires, "detail": "the comparison notices a leak that is planted in it"})
    if not fires:
        raise RuntimeError("the causality check no longer notices a planted leak")
    metrics: dict[str, float] = {}
    for place, (split, text) in enumerate(texts.items()):
        score = SplitScore(text, seed + place)
        score.run(peer)
        found = checks_of(split, score)
        checks += found
        for record in found:
            if not record["ok"]:
                raise Suspicion(record["id"], f"check {record['id']} failed. {record['detail']}")
        metrics["val_bpb" if split == "heldout" else f"{split}_bpb"] = score.bits_per_byte()
        metrics["bytes_scored"] = metrics.get("bytes_scored", 0) + score.targets.size
    peer.expect_silence()
    checks.append({"id": "protocol", "ok": True, "detail": "each reply had the expected id, shape and size"})
    return {
        "valid": True,
        "metric": "val_bpb",
        "value": metrics.get("val_bpb"),
        "metrics": metrics,
        "checks": checks,
    }


def judge_or_explain(texts: dict[str, np.ndarray], seed: int, peer: Peer) -> dict:
    """The result in either form. Whatever the host does ends here; a bug of the judge does not."""
    checks: list[dict] = []
    try:
        return judge(texts, seed, peer, checks)
    except HostFailure as found:
        return {"valid": False, "failure": found.failure, "reason": found.reason, "checks": checks}
    except Suspicion as found:
        return {
            "valid": False,
            "failure": "invalid-metric",
            "suspected": True,
            "check": found.check,
            "reason": found.reason,
            "checks": checks,
        }


def read_text(data: Path, split: str, byte_count: int) -> np.ndarray:
    """The first byte_count + 1 bytes of a split, uint8. Exits with code 2 when there are not so many."""
    path = data / split / f"{split}.bin"
    if not path.is_file():
        path = data / f"{split}.bin"
    text = np.fromfile(path, dtype=np.uint8, count=byte_count + 1) if path.is_file() else np.empty(0, np.uint8)
    if len(text) != byte_count + 1:
        sys.stderr.write(f"language_model: {path}: {len(text)} bytes, {byte_count + 1} needed; run prepare_data.py\n")
        sys.exit(2)
    return text


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
    parser.add_argument("--seed", type=int, required=True, help="secret: order, probes and places come from it")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for all exchanges together")
    parser.add_argument("--result", type=Path, required=True)
    options = parser.parse_args()
    if options.bytes < 2 * CONTEXT_LENGTH or options.bytes % CONTEXT_LENGTH:
        parser.error(f"--bytes must be a multiple of {CONTEXT_LENGTH} and at least {2 * CONTEXT_LENGTH}")

    texts = {split: read_text(options.data, split, options.bytes) for split in options.split.split(",")}
    descriptors = int(os.environ["ASSAY_PEER_OUT_FD"]), int(os.environ["ASSAY_PEER_IN_FD"])
    peer = Peer(*descriptors, deadline=started + options.timeout)
    result = judge_or_explain(texts, options.seed, peer)
    result["judge_seconds"] = round(time.monotonic() - started, 3)
    write_result(options.result, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
