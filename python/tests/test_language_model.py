"""The judge against honest, wrong and hostile hosts."""

from __future__ import annotations

import json
import os
import time

import numpy as np
import pytest
from assay_judge import protocol
from assay_judge.language_checks import canary_fires
from assay_judge.language_model import write_result
from assay_judge.plan import CONTEXT_LENGTH, make_batches, windows_of
from assay_judge.scoring import log_softmax
from hand_made_hosts import answering, english, judged, loading, read_request, reply_header

TEXT = english(16 * CONTEXT_LENGTH + 1)
NOTHING = np.empty(0, np.uint8)


def uniform(tokens: np.ndarray) -> np.ndarray:
    return np.zeros((*tokens.shape, 256), dtype=np.float32)


def favour(tokens: np.ndarray, amount: float = 5.0) -> np.ndarray:
    """Logits that favour, at each place, the byte `tokens` has there."""
    logits = uniform(tokens)
    np.put_along_axis(logits, tokens[..., None].astype(np.int64), amount, axis=-1)
    return logits


def repeat_last(tokens: np.ndarray) -> np.ndarray:
    """An honest model: the next byte is like this one."""
    return favour(tokens)


def peek(tokens: np.ndarray) -> np.ndarray:
    """A dishonest model: reads the next byte from its own input."""
    return favour(np.roll(tokens, -1, axis=1), amount=3.0)


def test_a_uniform_model_scores_exactly_8_bits_per_byte():
    result = judged(answering(uniform), TEXT)
    assert result["valid"] is True
    assert result["value"] == pytest.approx(8.0, abs=1e-12)
    assert result["metrics"]["bytes_scored"] == len(TEXT) - 1
    assert {check["id"] for check in result["checks"]} == {
        "canary", "output-files", "checkpoint-size", "checkpoint-code", "causality", "causality-prefix",
        "statelessness", "order-independence", "normalised", "tokens-scored", "finite", "answer-shape", "plausible",
        "weights-unchanged", "untimed-load", "scoring-work", "host-processes", "protocol"
    }  # fmt: skip
    assert all(check["ok"] for check in result["checks"])


def test_an_honest_model_scores_what_one_computes_by_hand():
    logits = log_softmax(repeat_last(TEXT[None, :-1])[0])
    by_hand = -logits[np.arange(len(TEXT) - 1), TEXT[1:]].mean() / np.log(2)
    assert judged(answering(repeat_last), TEXT)["value"] == pytest.approx(by_hand, abs=1e-9)


def test_the_secret_seed_does_not_change_the_score():
    values = [judged(answering(repeat_last), TEXT, seed)["value"] for seed in (1, 2)]
    assert values[0] == pytest.approx(values[1], abs=1e-12)


def test_a_model_that_reads_the_next_byte_is_suspected_for_causality():
    result = judged(answering(peek), TEXT)
    assert result["valid"] is False
    assert result["suspected"] is True
    assert result["check"] == "causality"
    assert "value" not in result


def test_a_model_that_peeks_at_few_places_is_suspected():
    def sometimes(tokens: np.ndarray) -> np.ndarray:
        logits = uniform(tokens)
        places = slice(0, None, 8)
        logits[:, places] = peek(tokens)[:, places]
        return logits

    assert judged(answering(sometimes), TEXT)["check"] == "causality"


def test_a_model_that_uses_the_length_of_its_input_is_suspected():
    result = judged(answering(lambda tokens: repeat_last(tokens) * (tokens.shape[1] / CONTEXT_LENGTH)), TEXT)
    assert result["check"] == "causality-prefix"


def test_a_model_that_learns_while_it_is_judged_is_suspected():
    counts = np.ones(256)

    def learn(tokens: np.ndarray) -> np.ndarray:
        logits = np.broadcast_to(np.log(counts).astype(np.float32), (*tokens.shape, 256)).copy()
        np.add.at(counts, tokens.ravel(), 1)
        return logits

    result = judged(answering(learn), TEXT)
    assert result["suspected"] is True


def test_a_score_below_what_language_allows_is_suspected():
    constant = np.full(16 * CONTEXT_LENGTH + 1, ord("a"), dtype=np.uint8)
    result = judged(answering(lambda tokens: favour(np.full_like(tokens, ord("a")), 20.0)), constant)
    assert result["check"] == "plausible"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_invalid(value: float):
    def spoilt(tokens: np.ndarray) -> np.ndarray:
        logits = uniform(tokens)
        logits[0, 0, 7] = value
        return logits

    result = judged(answering(spoilt), TEXT)
    assert result["failure"] == "invalid-metric"
    assert result["check"] == "finite"
    assert result["suspected"] is False


@pytest.mark.parametrize("spoil", [lambda x: x[:, :, :255], lambda x: x[:, :-1], lambda x: x[:1]])
def test_logits_of_another_shape_are_invalid(spoil):
    result = judged(answering(lambda tokens: spoil(uniform(tokens))), TEXT)
    assert result["failure"] == "invalid-metric"
    assert result["check"] == "answer-shape"
    assert result["suspected"] is False


def test_a_stream_of_garbage_is_invalid():
    def garbage(requests: int, replies: int) -> None:
        read_request(requests)
        protocol.write_all(replies, os.urandom(1 << 16))

    result = judged(loading(garbage), TEXT)
    assert result["failure"] == "invalid-metric"
    assert (result["check"], result["suspected"]) == ("protocol", True)


def test_a_reply_that_was_prepared_before_its_request_is_invalid():
    def eager(requests: int, replies: int) -> None:
        protocol.write_all(replies, reply_header(1, protocol.STATUS_LOGITS, (1, CONTEXT_LENGTH, 256)))
        read_request(requests)

    assert judged(loading(eager), TEXT)["failure"] == "invalid-metric"


def test_bytes_that_nobody_asked_for_are_invalid():
    def chatty(tokens: np.ndarray) -> np.ndarray:
        return uniform(tokens)

    def serve(requests: int, replies: int) -> None:
        total = len(make_batches(windows_of(TEXT)[0], NOTHING, 1))
        for count in range(1, total + 1):
            request_id, tokens = read_request(requests)
            header = reply_header(request_id, protocol.STATUS_LOGITS, (*tokens.shape, 256))
            tail = b"more" if count == total else b""
            protocol.write_all(replies, header + chatty(tokens).tobytes() + tail)

    assert "more than it was asked for" in judged(loading(serve), TEXT)["reason"]


def test_a_host_that_never_answers_is_a_timeout():
    def hang(requests: int, replies: int) -> None:
        read_request(requests)
        time.sleep(1.0)

    started = time.monotonic()
    assert judged(loading(hang), TEXT, timeout=0.3)["failure"] == "timeout"
    assert time.monotonic() - started < 3.0


def test_a_host_that_sends_half_a_reply_is_a_timeout():
    def half(requests: int, replies: int) -> None:
        request_id, tokens = read_request(requests)
        header = reply_header(request_id, protocol.STATUS_LOGITS, (*tokens.shape, 256))
        protocol.write_all(replies, header + b"\0" * 1000)
        time.sleep(1.0)

    assert judged(loading(half), TEXT, timeout=0.3)["failure"] == "timeout"


def test_a_host_that_ends_is_a_crash():
    assert judged(lambda requests, replies: None, TEXT)["failure"] == "crash"


def test_an_error_text_is_bounded_and_printable():
    def fail(requests: int, replies: int) -> None:
        request_id, _ = read_request(requests)
        header = reply_header(request_id, protocol.STATUS_ERROR, (1 << 31, 0, 0))
        protocol.write_all(replies, header + b"\x1b[31mno\n" * (1 << 16))

    result = judged(loading(fail), TEXT)
    assert result["failure"] == "crash"
    assert len(result["reason"]) < protocol.MAX_ERROR_BYTES + 100
    assert result["reason"].isprintable()


def test_every_window_is_scored_once_and_every_kind_of_probe_is_there():
    inputs, targets = windows_of(TEXT)
    assert np.array_equal(targets.ravel(), TEXT[1:])
    rows = [row for batch in make_batches(inputs, NOTHING, 5) for row in batch]
    assert sorted(row.window for row in rows if row.kind == "scored") == list(range(len(inputs)))
    assert {row.kind for row in rows} == {"scored", "alone", "suffix", "prefix", "moved", "late"}
    for row in rows:
        assert np.array_equal(row.inputs[: row.shared], inputs[row.window][: row.shared])
        if row.kind == "suffix":
            assert row.inputs[row.shared] != inputs[row.window][row.shared]


def test_the_canary_fires():
    assert all(canary_fires(seed) for seed in range(20))


def test_a_result_is_never_written_with_nan(tmp_path):
    path = tmp_path / "result.json"
    with pytest.raises(ValueError, match="Out of range"):
        write_result(path, {"value": float("nan")})
    assert not path.exists()
    write_result(path, {"value": 1.0})
    assert json.loads(path.read_text()) == {"value": 1.0}
