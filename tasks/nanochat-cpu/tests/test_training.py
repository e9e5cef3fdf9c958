"""The starts and the patterns as programs: three steps of training, then the judge."""

from __future__ import annotations

import random
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hand_made_hosts import answering, judged
from pattern_texts import PATTERNS, STARTS, TASK, apply, is_applied, load_module


def combinations() -> dict[str, str]:
    """Names and texts of the programs to train."""
    vanilla, strong = STARTS["vanilla"].read_text(), STARTS["strong"].read_text()
    texts = {"vanilla": vanilla, "strong": strong}
    everything, everything_on_strong = vanilla, strong
    for name in PATTERNS:
        texts[f"vanilla with {name}"] = apply(vanilla, name)
        everything = apply(everything, name)
        if not is_applied(strong, name):
            everything_on_strong = apply(everything_on_strong, name)
    texts |= {"vanilla with all": everything, "strong with all": everything_on_strong}
    generator = random.Random(4)
    for trial in range(6):
        text = vanilla
        for name in generator.sample(sorted(PATTERNS), len(PATTERNS) // 2):
            text = apply(text, name)
        texts[f"random half {trial}"] = text
    return texts


@pytest.fixture(scope="module")
def text() -> np.ndarray:
    generator = np.random.default_rng(0)
    return generator.integers(97, 123, size=8 * 256 + 1).astype(np.uint8)


@pytest.fixture
def environment(tmp_path, monkeypatch, text):
    """What the supervisor gives to a trial."""
    np.tile(text, 8).tofile(tmp_path / "train.bin")
    for name, value in {
        "ASSAY_DATA": str(tmp_path),
        "ASSAY_OUTPUT": str(tmp_path),
        "ASSAY_SEED": "5",
        "ASSAY_BUDGET_SECONDS": "3",
        "ASSAY_MAX_STEPS": "3",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(TASK))
    torch.set_num_threads(1)
    yield tmp_path
    sys.modules.pop("harness", None)


PROGRAMS = combinations()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_trains_and_passes_the_judge(name: str, environment, text, capsys):
    program = load_module(STARTS["vanilla"], "candidate", PROGRAMS[name])
    program.train()
    claims = dict(line.split(": ") for line in capsys.readouterr().out.splitlines())
    assert claims["steps"] == "3"
    assert float(claims["train_loss"]) > 0

    model = program.load_model(str(environment / "checkpoint.pt"))

    def answer(tokens: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            logits = model(torch.from_numpy(tokens.astype(np.int64)))
        assert logits.dtype == torch.float32
        return logits.numpy()

    result = judged(answering(answer), text)
    assert result["valid"] is True, result
    assert 4.0 < result["value"] < 12.0


def test_the_same_seed_and_steps_make_the_same_weights(environment):
    weights = []
    for _ in range(2):
        program = load_module(STARTS["vanilla"], "candidate", STARTS["vanilla"].read_text())
        program.train()
        weights.append(torch.load(environment / "checkpoint.pt", weights_only=True))
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_the_clock_ends_before_the_budget_and_never_runs_backwards(environment, monkeypatch):
    harness = load_module(TASK / "harness.py", "harness_alone")
    now = 100.0
    monkeypatch.setattr(harness.time, "monotonic", lambda: now)
    monkeypatch.delenv("ASSAY_MAX_STEPS")
    monkeypatch.setenv("ASSAY_CLOCK_START", "99.0")
    clock = harness.clock()
    assert clock.elapsed() == pytest.approx(1.0)
    fractions = []
    for _ in clock.steps():
        fractions.append(clock.fraction())
        now += 0.25
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1.0
    assert clock.elapsed() <= 3.0 + 0.25
    assert clock.left() == 0.0
