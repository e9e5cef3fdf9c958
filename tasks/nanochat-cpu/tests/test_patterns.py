"""The patterns as texts: each applies, comes off again, and gets on with every other."""

from __future__ import annotations

import ast
import itertools
import random

import pytest
from pattern_texts import PATTERNS, STARTS, apply, is_applied

KINDS = {"algorithmic", "systems", "hyper-parameter", "simplification"}
VANILLA = STARTS["vanilla"].read_text()
STRONG = STARTS["strong"].read_text()


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_is_complete(name: str):
    pattern = PATTERNS[name]
    assert set(pattern) == {"id", "title", "kind", "source", "rationale", "predicted_gain", "edits"}
    assert pattern["id"] == name
    assert pattern["kind"] in KINDS
    low, high = pattern["predicted_gain"]
    assert low < high
    for edit in pattern["edits"]:
        assert set(edit) == {"file", "find", "replace"}
        assert edit["file"] == "train.py"
        # Exactly one of the two stands in a file, so a file says by itself whether it holds the pattern.
        assert edit["find"] not in edit["replace"]
        assert edit["replace"] not in edit["find"]


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_applies_and_reverses_to_the_same_text(name: str):
    changed = apply(VANILLA, name)
    ast.parse(changed)
    assert is_applied(changed, name)
    assert apply(changed, name, reverse=True) == VANILLA


def test_every_two_patterns_combine_in_either_order():
    for left, right in itertools.combinations(PATTERNS, 2):
        both = apply(apply(VANILLA, left), right)
        assert both == apply(apply(VANILLA, right), left), (left, right)
        assert apply(apply(both, left, reverse=True), right, reverse=True) == VANILLA


def test_all_patterns_and_random_subsets_combine_in_any_order():
    generator = random.Random(3)
    for trial in range(60):
        size = len(PATTERNS) if trial < 10 else generator.randint(3, len(PATTERNS))
        chosen = generator.sample(sorted(PATTERNS), size)
        text = VANILLA
        for name in chosen:
            text = apply(text, name)
        ast.parse(text)
        for name in generator.sample(chosen, len(chosen)):
            text = apply(text, name, reverse=True)
        assert text == VANILLA


def test_the_strong_start_is_vanilla_with_patterns_and_other_knobs():
    text = STRONG
    held = [name for name in PATTERNS if is_applied(STRONG, name)]
    assert len(held) >= 6
    for name in held:
        text = apply(text, name, reverse=True)
    for ours, theirs in zip(text.splitlines(), VANILLA.splitlines(), strict=True):
        assert ours == theirs or ours.split(" = ")[0] == theirs.split(" = ")[0].upper()


def test_each_pattern_can_be_put_on_or_taken_off_the_strong_start():
    for name in PATTERNS:
        held = is_applied(STRONG, name)
        changed = apply(STRONG, name, reverse=held)
        assert apply(changed, name, reverse=not held) == STRONG
