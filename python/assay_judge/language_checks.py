"""The checks of the language-model judge: each compares numbers, says which, and is not ok when it compared nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay_judge.canary_text import gap_between
from assay_judge.plan import CONTEXT_LENGTH
from assay_judge.protocol import VOCABULARY
from assay_judge.scoring import TOLERANCE, Probed, SplitScore, TailBits, largest_change, log_softmax

PLAUSIBLE_FLOOR_BPB = 1.0
"""Below this the score is taken for a leak: large models need about as much for English text, less for programs."""

PROBES_OF_CHECK = {
    "causality": ("suffix",),
    "causality-prefix": ("prefix",),
    "statelessness": ("late",),
    "order-independence": ("alone", "moved"),
}

LEAST_GROUP = 8
"""Values that a group must have for a comparison of two groups to mean anything."""

NOT_SUSPICIOUS = ("finite", "checkpoint-size", "answer-shape", "target")
"""Checks that an honest candidate can fail: weights diverge, a model grows too large, an axis is in the wrong place, a
target is missed."""


@dataclass(frozen=True)
class GapLimits:
    """Bits per byte: how much better a model may know one text than another that it has seen as little of."""

    region: float
    canary: float
    split: float
    floor: float = PLAUSIBLE_FLOOR_BPB
    """No model of this task scores below it."""


def record(check: str, ok: bool, detail: str) -> dict:
    """One check as the result file holds it."""
    return {"id": check, "ok": bool(ok), "detail": detail}


def canary_fires(seed: int) -> bool:
    """Whether the comparison still notices a leak: one log-probability of many moved by ten tolerances."""
    generator = np.random.default_rng(seed)
    honest = log_softmax(generator.standard_normal((CONTEXT_LENGTH, VOCABULARY)).astype(np.float32))
    leaking = honest.copy()
    leaking[generator.integers(CONTEXT_LENGTH), generator.integers(VOCABULARY)] += 10 * TOLERANCE
    return largest_change(honest, leaking) > TOLERANCE and largest_change(honest, honest.copy()) <= TOLERANCE


def split_records(split: str, score: SplitScore, gaps: GapLimits) -> list[dict]:
    """The checks of one split. Those that the split holds no text for are left out."""
    records = [probe_record(split, check, score) for check in PROBES_OF_CHECK]
    counted, expected = score.bytes_scored(), score.targets.size
    once = bool((score.times_scored == 1).all())
    records += [
        record(
            "normalised",
            score.normalisation_error < 1e-9,
            f"{split}: probabilities sum to 1 within {score.normalisation_error:.1e}",
        ),
        record(
            "tokens-scored",
            once and counted == expected,
            f"{split}: {counted} bytes counted, {expected} in the text, each once: {'yes' if once else 'no'}",
        ),
        record("finite", score.values_seen > 0, f"{split}: {score.values_seen} logits, all finite"),
    ]
    bpb = score.bits_per_byte()
    plausible = f"{split}: {bpb:.4f} bits per byte, floor {gaps.floor:g}"
    records.append(record("plausible", bpb >= gaps.floor, plausible))
    if score.tails.unscored:
        records.append(region_record(split, score.tails, gaps.region))
    if score.canary_bits.canaries:
        bits = score.canary_bits
        records.append(gap_record("held-out-canary", split, "canaries", bits.canaries, bits.controls, gaps.canary))
    return records


def probe_record(split: str, check: str, score: SplitScore) -> dict:
    """The check of rows that must be answered as the scored rows were."""
    found = sum((score.probed[kind] for kind in PROBES_OF_CHECK[check]), Probed())
    detail = (
        f"{split}: {found.probes} probes, {found.positions} positions, "
        f"largest change {found.largest:.2e} nats, allowed {TOLERANCE:.0e}"
    )
    return record(check, found.probes > 0 and found.largest <= TOLERANCE, detail)


def region_record(split: str, tails: TailBits, limit: float) -> dict:
    """Whether the scored bytes are known better than other text of the same split."""
    return gap_record("region-gap", split, "scored text", tails.scored, tails.unscored, limit)


def gap_record(check: str, split: str, what: str, known: list[float], unknown: list[float], limit: float) -> dict:
    """The check that a model needs no fewer bits for one group of texts than for the other."""
    if min(len(known), len(unknown)) < LEAST_GROUP:
        return record(check, False, f"{split}: too few texts to compare: {len(known)} and {len(unknown)}")
    found = gap_between(known, unknown)
    detail = (
        f"{split}: {what} {np.mean(known):.3f} bits per byte (n = {len(known)}), others {np.mean(unknown):.3f} "
        f"(n = {len(unknown)}), gap {found.gap:+.3f} with standard error {found.error:.3f}, allowed {limit:g}"
    )
    return record(check, not found.exceeds(limit), detail)


def hidden_split_record(scores: dict[str, SplitScore], limit: float) -> dict:
    """Whether the held-out text, which every trial shows, is known better than the hidden one."""
    heldout, hidden = scores["heldout"].bits_per_byte(), scores["hidden"].bits_per_byte()
    detail = (
        f"hidden {hidden:.4f} less held-out {heldout:.4f} is {hidden - heldout:+.4f} bits per byte, allowed {limit:g}"
    )
    return record("hidden-split", hidden - heldout <= limit, detail)


def merged(records: list[dict]) -> list[dict]:
    """One record for each id: not ok if one is not, with all details."""
    found: dict[str, dict] = {}
    for one in records:
        before = found.get(one["id"])
        if before is None:
            found[one["id"]] = dict(one)
        else:
            before["ok"] = before["ok"] and one["ok"]
            before["detail"] += f"; {one['detail']}"
    return list(found.values())
