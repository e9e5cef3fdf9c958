"""Each audit of the language-model judge against a host, a checkpoint or a candidate that it is there for."""

from __future__ import annotations

import os
import pickle
import threading
import zipfile

import numpy as np
import pytest
from assay_judge.canary_text import CANARY_BYTES, Gap, canary_batch, gap_between
from assay_judge.checkpoint_code import dangerous_globals
from assay_judge.host_cost import CostLimits, HostCost
from assay_judge.plan import BATCH_ROWS, CONTEXT_LENGTH, make_batches, windows_of
from assay_judge.protocol import Cost
from hand_made_hosts import CHECKPOINT, LIMITS, NO_CANARIES, Account, answering, english, judged

SCORED = 16 * CONTEXT_LENGTH
TEXT = english(SCORED + 1)
LONG_TEXT = english(8 * SCORED, seed=5)


def uniform(tokens: np.ndarray) -> np.ndarray:
    return np.zeros((*tokens.shape, 256), dtype=np.float32)


def knowing(text: bytes, amount: float = 2.0, context: int = 4):
    """A model that knows a text by heart: after `context` bytes that stand in it, it expects the byte that follows."""
    following = {text[at : at + context]: text[at + context] for at in range(len(text) - context)}

    def answer(tokens: np.ndarray) -> np.ndarray:
        logits = uniform(tokens)
        for row, content in enumerate(tokens.tolist()):
            for place in range(context - 1, len(content)):
                expected = following.get(bytes(content[place - context + 1 : place + 1]))
                if expected is not None:
                    logits[row, place, expected] = amount
        return logits

    return answer


def failed(result: dict) -> set[str]:
    return {check["id"] for check in result["checks"] if not check["ok"]}


def detail_of(result: dict, check: str) -> str:
    return next(one["detail"] for one in result["checks"] if one["id"] == check)


def test_a_model_that_mixes_the_rows_of_a_batch_is_found():
    def mixing(tokens: np.ndarray) -> np.ndarray:
        return uniform(tokens) + np.bincount(tokens.ravel(), minlength=256).astype(np.float32) / tokens.size

    assert {"order-independence", "statelessness"} <= failed(judged(answering(mixing), TEXT))


def test_a_model_that_changes_while_it_is_judged_is_found():
    answers = iter(range(10_000))

    def drifting(tokens: np.ndarray) -> np.ndarray:
        logits = uniform(tokens)
        logits[..., 101] = 0.02 * next(answers)
        return logits

    assert "statelessness" in failed(judged(answering(drifting), TEXT))


def test_a_model_that_knows_only_the_scored_bytes_by_heart_is_found():
    known = knowing(LONG_TEXT[: SCORED + 1].tobytes())
    result = judged(answering(known), LONG_TEXT, scored_bytes=SCORED)
    assert result["check"] == "region-gap"
    assert result["suspected"] is True


def test_a_model_that_knows_all_of_the_split_equally_has_no_such_gap():
    result = judged(answering(knowing(LONG_TEXT.tobytes())), LONG_TEXT, scored_bytes=SCORED)
    assert result["valid"] is True, result
    assert "n = 2" in detail_of(result, "region-gap")


def canaries() -> np.ndarray:
    lines = [english(CANARY_BYTES - 1, seed=seed).tobytes() + b"\n" for seed in range(8)]
    return np.frombuffer(b"".join(lines), dtype=np.uint8)


def test_a_model_that_knows_the_canaries_is_found_and_another_is_not():
    known = canaries()
    result = judged(answering(knowing(known.tobytes(), context=6)), TEXT, canaries=known)
    assert result["check"] == "held-out-canary"
    result = judged(answering(uniform), TEXT, canaries=known)
    assert result["valid"] is True, result
    assert "n = 8" in detail_of(result, "held-out-canary")


def test_canaries_and_controls_are_alike_but_for_being_known():
    known = canaries()
    rows, is_canary = canary_batch(known, 3)
    assert rows.shape[1] == CANARY_BYTES
    assert {row.tobytes() for row in rows[is_canary]} == {
        known[at : at + CANARY_BYTES].tobytes() for at in range(0, len(known), CANARY_BYTES)
    }
    assert not {row.tobytes() for row in rows[~is_canary]} & {row.tobytes() for row in canary_batch(known, 4)[0]}


def test_held_out_text_that_is_known_better_than_hidden_text_is_found():
    known = knowing(TEXT.tobytes())
    result = judged(answering(known), TEXT, hidden=english(SCORED + 1, seed=9))
    assert "hidden-split" in failed(result)
    result = judged(answering(uniform), TEXT, hidden=english(SCORED + 1, seed=9))
    assert result["valid"] is True, result
    assert "heldout" in detail_of(result, "causality")
    assert "hidden" in detail_of(result, "causality")
    assert len({check["id"] for check in result["checks"]}) == len(result["checks"])


@pytest.mark.parametrize(
    ("field", "amount", "check"),
    [
        ("cpu_seconds", 0.4, "untimed-load"),
        ("cpu_seconds", 4.0, "scoring-work"),
        ("loader_seconds", 0.5, "scoring-work"),
        ("processes", 2, "host-processes"),
    ],
)
def test_work_outside_the_clock_is_found(field: str, amount: float, check: str):
    account = Account()

    def expensive(tokens: np.ndarray) -> np.ndarray:
        # Beside the process that answers there is one that loaded the model.
        account.processes = 2
        if field == "processes":
            account.processes += amount - 1
        elif check == "untimed-load" and len(tokens) > 1:
            pass
        else:
            setattr(account, field, getattr(account, field) + amount)
        return uniform(tokens)

    result = judged(answering(expensive, account), TEXT)
    assert result["valid"] is False
    assert result["suspected"] is True
    assert check in failed(result)


def test_the_same_work_within_the_limits_passes():
    account = Account()

    def frugal(tokens: np.ndarray) -> np.ndarray:
        account.processes = 2
        account.cpu_seconds += 0.004 * len(tokens)
        return uniform(tokens)

    assert judged(answering(frugal, account), TEXT)["valid"] is True


def test_limits_grow_on_a_slower_core_and_not_without_end():
    cost = HostCost(rates=[50e9, 20e9])
    assert cost.allowance() == pytest.approx(2.0)
    assert HostCost(rates=[500e9]).allowance() == 1.0
    assert HostCost(rates=[1e9]).allowance() == 4.0


def test_cost_of_more_single_rows_is_allowed_for_more_of_them():
    cost = HostCost(rates=[100e9])
    cost.loaded(Cost(0.1, 0.1, 1, 1, 0.0), 0.2)
    for number in range(8):
        cost.asked()
        cost.answered(Cost(0.1 + 0.025 * (number + 1), 0.1, 2, 1, 0.0), rows=1, is_alone=True)
    cost.answered(Cost(0.4, 0.1, 2, 1, 0.0), rows=32, is_alone=False)
    assert all(one["ok"] for one in cost.records(LIMITS))
    assert not all(one["ok"] for one in cost.records(CostLimits(load=0.05, single=0.02, row=0.03, beside=0.02)))


def test_a_link_in_the_checkpoints_place_is_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"held-out text")
    output = tmp_path / "output"
    output.mkdir()
    (output / "checkpoint.pt").symlink_to(secret)
    result = judged(answering(uniform), TEXT, checkpoint=output / "checkpoint.pt")
    assert (result["check"], result["suspected"]) == ("output-files", True)


def test_links_beside_the_checkpoint_must_stay_inside(tmp_path):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(CHECKPOINT)
    (tmp_path / "latest").symlink_to("checkpoint.pt")
    assert judged(answering(uniform), TEXT, checkpoint=path)["valid"] is True
    (tmp_path / "elsewhere").symlink_to("/data/heldout")
    assert judged(answering(uniform), TEXT, checkpoint=path)["check"] == "output-files"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_plain_file_is_not_read(tmp_path, make):
    make(tmp_path / "checkpoint.pt")
    assert judged(answering(uniform), TEXT, checkpoint=tmp_path / "checkpoint.pt")["check"] == "output-files"


def test_a_missing_checkpoint_is_a_crash_and_no_suspicion(tmp_path):
    result = judged(answering(uniform), TEXT, checkpoint=tmp_path / "checkpoint.pt")
    assert result["failure"] == "crash"
    assert "suspected" not in result


@pytest.mark.parametrize("name", ["checkpoint.pt", "text.bin", "below/text.bin"])
def test_the_size_of_everything_that_is_left_is_limited(tmp_path, name: str):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(CHECKPOINT)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(bytes(2000))
    result = judged(answering(uniform), TEXT, checkpoint=path, checkpoint_limit=1500)
    assert (result["check"], result["suspected"]) == ("checkpoint-size", False)


class RunsCode:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_runs_code_is_found_without_being_run(protocol: int):
    found, names = dangerous_globals(pickle.dumps({"weights": [1.0], "more": RunsCode()}, protocol))
    assert [name.split(".")[-1] for name in found] == ["system"]
    assert names == 1


def test_a_pickle_within_a_zip_is_looked_at(tmp_path):
    path = tmp_path / "checkpoint.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(RunsCode(), 2))
    result = judged(answering(uniform), TEXT, checkpoint=path)
    assert (result["check"], result["suspected"]) == ("checkpoint-code", True)


@pytest.mark.parametrize("content", [b"", b"weights", b"PK\x03\x04 broken", bytes(100), b"\x80\x04\x95"])
def test_what_is_no_pickle_asks_for_nothing(content: bytes):
    assert dangerous_globals(content) == ([], 0)


def test_weights_as_numpy_and_torch_pickle_them_ask_for_nothing_dangerous(tmp_path):
    torch = pytest.importorskip("torch")
    assert dangerous_globals(pickle.dumps({"a": np.zeros(3), "b": {1, 2}}))[0] == []
    torch.save({"a": torch.zeros(3), "b": torch.nn.Linear(2, 2).state_dict()}, tmp_path / "checkpoint.pt")
    found, names = dangerous_globals((tmp_path / "checkpoint.pt").read_bytes())
    assert found == []
    assert names > 0


def test_a_checkpoint_that_changes_while_it_is_judged_is_found(tmp_path):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(CHECKPOINT)
    once = threading.Event()

    def swapping(tokens: np.ndarray) -> np.ndarray:
        if not once.is_set():
            once.set()
            path.write_bytes(b"other weights")
        return uniform(tokens)

    assert failed(judged(answering(swapping), TEXT, checkpoint=path)) == {"weights-unchanged"}


def test_rows_are_shown_alone_first_and_repeated_in_other_batches():
    inputs, _ = windows_of(english(64 * CONTEXT_LENGTH + 1))
    batches = make_batches(inputs, LONG_TEXT, 11)
    alone = [batch for batch in batches if batch[0].kind == "alone"]
    assert batches[: len(alone)] == alone
    assert {len(batch) for batch in alone} == {1}
    full = [batch for batch in batches if len(batch[0].inputs) == CONTEXT_LENGTH and len(batch) > 1]
    assert {len(batch) for batch in full} == {BATCH_ROWS}
    place_of = {row.window: number for number, batch in enumerate(full) for row in batch if row.kind == "scored"}
    for number, batch in enumerate(full):
        for row in batch:
            if row.kind == "late":
                assert {number, place_of[row.window]} == {0, len(full) - 1}
            elif row.kind == "moved":
                assert number != place_of[row.window]
    assert {row.tail for batch in full for row in batch if row.kind == "suffix"} == {"scored", "unscored"}


def test_a_gap_counts_only_beyond_its_limit_and_its_error():
    assert Gap(0.5, 0.05).exceeds(0.3)
    assert not Gap(0.5, 0.2).exceeds(0.3)
    assert not Gap(0.2, 0.001).exceeds(0.3)
    found = gap_between([1.0, 1.2, 1.1], [2.0, 2.2, 2.1])
    assert found.gap == pytest.approx(1.0)
    assert found.error == pytest.approx(np.sqrt(2 * 0.01 / 3))


def test_a_split_without_more_text_or_canaries_has_no_check_of_them():
    ids = {check["id"] for check in judged(answering(uniform), TEXT, canaries=NO_CANARIES)["checks"]}
    assert not ids & {"region-gap", "held-out-canary", "hidden-split"}
