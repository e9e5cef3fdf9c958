"""The judge of the NanoGPT Speedrun: logs, what the launcher notes, and the validation apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from assay_judge import speedrun_judge
from assay_judge.speedrun_log import SEPARATOR, LogProblem, read_log
from assay_judge.speedrun_model import Model, Shape, frequencies, what_differs

PACKAGES = Path(speedrun_judge.__file__).parents[1]
PROGRAM = (Path(__file__).parent / "speedrun_program.py").read_text()
SHAPE = Shape(vocabulary=512, layers=1, width=128, context=32)
TOKENS = 32 * 8
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGES), "OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"}
LINES = {
    1: ["step:250/1390 val_loss:4.4888 train_time:7930ms step_avg:31.72ms",
        "step:1390/1390 train_time:79448ms step_avg:57.16ms",
        "step:1390/1390 val_loss:3.2775 train_time:79532ms step_avg:57.22ms"],
    3: ["step:0/3250 val_loss:10.82580 train_time:0.000s step_avg:nanms",
        "step:3250/3250 val_loss:3.27722 train_time:503.169s step_avg:155.25ms"],
}  # fmt: skip


def log_of(lines: list[str], source: str = "print(f'step:{step}/{total} val_loss:1.0')") -> str:
    """A log in upstream's layout."""
    return "\n".join([source, SEPARATOR, "Running PyTorch", SEPARATOR, *lines, ""])


def test_the_last_validation_counts_and_lines_of_the_source_do_not():
    first = read_log(log_of(LINES[1], "step:1/1 val_loss:1.0000 train_time:1ms step_avg:1ms"), 1)
    assert (first.final.loss, first.final.train_seconds, first.final.total) == (3.2775, 79.532, 1390)
    third = read_log(log_of(LINES[3]), 3)
    assert (third.final.loss, third.final.train_seconds, third.validations[0].loss) == (3.27722, 503.169, 10.8258)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (LINES[3][:1], "did not finish"),
        ([*LINES[3], LINES[3][1]], "order of their steps"),
        ([LINES[3][1], LINES[3][0]], "order of their steps"),
        ([LINES[3][0], LINES[3][1].replace("/3250", "/3000").replace(":3250", ":3000")], "different totals"),
        ([LINES[3][0], LINES[3][1].replace("3.27722", "nan")], "can't be read"),
        ([LINES[3][0], LINES[3][1] + " "], "can't be read"),
        ([LINES[3][0], " " + LINES[3][1]], "can't be read"),
        ([LINES[3][0].replace("/3250", "/" + "3" * 5000), LINES[3][1]], "can't be read"),
        (LINES[1], "those of track 3 in s"),
        ([LINES[3][0].replace("0.000s", "900.0s"), LINES[3][1]], "backwards"),
        ([], "no validation"),
    ],
)
def test_a_log_that_can_be_read_in_two_ways_is_refused(lines: list[str], words: str):
    with pytest.raises(LogProblem, match=words):
        read_log(log_of(lines), 3)


def test_one_separator_is_not_enough():
    with pytest.raises(LogProblem, match="1 lines"):
        read_log("\n".join(["source", SEPARATOR, *LINES[3]]), 3)


def shard(path: Path, seed: int) -> None:
    """A .bin shard of tokens with a skewed distribution."""
    random = np.random.default_rng(seed)
    tokens = (random.exponential(40, 4 * TOKENS) % 512).astype("<u2")
    header = np.zeros(256, dtype="<i4")
    header[:3] = [20240520, 1, len(tokens)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.tobytes() + tokens.tobytes())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    shard(folder / "seen/fineweb_val_000000.bin", 1)
    shard(folder / "hidden/fineweb_train_000020.bin", 2)
    return folder


def train(data: Path, folder: Path, program: str = PROGRAM) -> Path:
    """The phase in which the program runs; its folder of logs."""
    out = folder / "out"
    out.mkdir()
    (folder / "program.py").write_text(program)
    command = [sys.executable, "-P", "-m", "assay_judge.run_folder", "--link", f"data/fineweb10B={data / 'seen'}"]
    command += ["--link", f"logs={out}", "--", sys.executable, "-P", "-m", "assay_judge.speedrun_launch"]
    command += [
        "--note",
        out / "note.json",
        "--checkpoint",
        out / "checkpoint.pt",
        "--seed",
        "3",
        folder / "program.py",
    ]
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return out


def judged(data: Path, folder: Path, *options: str, track: int = 3) -> dict:
    """The judge's phase."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "assay_judge.speedrun_judge",
        "--track",
        str(track),
        "--logs",
        folder / "out",
    ]
    command += [
        "--program",
        folder / "program.py",
        "--data",
        data,
        "--tokens",
        str(TOKENS),
        "--hidden-tokens",
        str(TOKENS),
    ]
    command += ["--layers", "1", "--width", "128", "--vocabulary", "512", "--context", "32"]
    command += ["--result", folder / "result.json", *options]
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return json.loads((folder / "result.json").read_text())


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train(data, folder)
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy of an honest run."""
    (tmp_path / "out").mkdir()
    for path in [*trained.glob("*.py"), *trained.glob("out/*")]:
        (tmp_path / path.relative_to(trained)).write_bytes(path.read_bytes())
    return tmp_path


def failed(result: dict) -> list[str]:
    return [one["id"] for one in result["checks"] if not one["ok"]]


def test_an_honest_run_is_validated_apart(data: Path, folder: Path):
    result = judged(data, folder)
    assert result["valid"], result
    assert not failed(result)
    assert result["metric"] == "steps_to_target" and result["value"] == 4
    assert abs(result["metrics"]["val_loss"] - result["metrics"]["log_loss"]) < 1e-4
    assert "another model than the rules'" in next(o["detail"] for o in result["checks"] if o["id"] == "deviations")


def edit_log(folder: Path, before: str, after: str) -> None:
    path = next((folder / "out").glob("*.txt"))
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def edit_note(folder: Path, **values: object) -> None:
    path = folder / "out/note.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_forged_loss_is_found(data: Path, folder: Path):
    log = read_log(next((folder / "out").glob("*.txt")).read_text(), 3)
    edit_log(folder, f"{log.final.loss:.5f}", f"{log.final.loss - 0.1:.5f}")
    result = judged(data, folder)
    assert (result["check"], result["suspected"]) == ("log-vs-judged", True)


def test_a_state_that_is_another_model_or_another_state_is_refused(data: Path, folder: Path):
    path = folder / "out/checkpoint.pt"
    state = torch.load(path)
    torch.save(state | {"proj.bias": state["proj.bias"] + 1e-3}, path)
    assert judged(data, folder)["check"] == "weights-unchanged"
    torch.save(state | {"table.weight": torch.zeros(9)}, path)
    assert judged(data, folder)["check"] == "architecture"
    path.unlink()
    assert judged(data, folder)["failure"] == "crash"


@pytest.mark.parametrize(
    ("values", "check"),
    [
        ({"optimizer_tensors_at_start": 3}, "fresh-optimizer"),
        ({"launched": -5000.0}, "untimed"),
        ({"ended": 1e9}, "outer-clock"),
        ({"parameters_at_start": ""}, "parameters-hashed"),
    ],
)
def test_work_outside_the_clock_is_found(data: Path, folder: Path, values: dict, check: str):
    edit_note(folder, **values)
    assert failed(judged(data, folder))[0] == check


def test_more_validations_are_no_more_time_outside_the_clock(data: Path, folder: Path):
    log = read_log(next((folder / "out").glob("*.txt")).read_text(), 3)
    more = "".join(f"step:{step}/4 val_loss:9.0 train_time:0.000s step_avg:1ms\n" for step in (0, 1, 2, 3))
    text = next((folder / "out").glob("*.txt")).read_text()
    at = text.rindex("=" * 100) + 101
    last = text.rindex("step:4/4")
    first = text[at:].split("\n")[0] + "\n"
    path = next((folder / "out").glob("*.txt"))
    path.write_text(text[:at] + first + more.split("\n", 1)[1] + text[last:])
    note = json.loads((folder / "out/note.json").read_text())
    seconds = log.final.train_seconds + 150
    edit_note(folder, ended=note["clock_started"] + note["hashing_seconds"] + seconds)
    result = judged(data, folder)
    assert failed(result) == ["outer-clock"], result
    assert "2 of 5 validations" in next(one["detail"] for one in result["checks"] if one["id"] == "outer-clock")


def test_a_clock_that_says_more_than_passed_and_a_missing_note_are_refused(data: Path, folder: Path):
    started = json.loads((folder / "out/note.json").read_text())["clock_started"]
    text = next((folder / "out").glob("*.txt")).read_text()
    last = read_log(text, 3).final.train_seconds
    edit_log(folder, f"train_time:{last:.3f}s", "train_time:500.000s")
    assert "outer-clock" in failed(judged(data, folder))
    edit_note(folder, clock_started=started)
    (folder / "out/note.json").unlink()
    assert "parameters-hashed" in failed(judged(data, folder))


def test_another_program_in_the_log_and_two_logs_are_refused(data: Path, folder: Path):
    (folder / "program.py").write_text(PROGRAM + "\n# other\n")
    assert "source-in-log" in failed(judged(data, folder))
    (folder / "out/second.txt").write_text("x")
    assert "2 logs" in judged(data, folder)["reason"]


def test_a_start_that_knows_something_is_found(data: Path, tmp_path: Path):
    """A warm-up that trained: the first validation is no longer that of a new model."""
    train(data, tmp_path, PROGRAM.replace("optimizer = torch", "model.proj.bias.data[:128] += 5\noptimizer = torch"))
    assert "untrained-start" in failed(judged(data, tmp_path))


def test_momentum_from_before_the_clock_is_noted(data: Path, tmp_path: Path):
    early = "sum(p.square().sum() for p in model.parameters()).backward(); optimizer.step()\ntraining_time = 0"
    out = train(data, tmp_path, PROGRAM.replace("training_time = 0", early))
    assert json.loads((out / "note.json").read_text())["optimizer_tensors_at_start"] > 0


def test_track_1_has_no_loss_of_its_own(data: Path, folder: Path):
    path = next((folder / "out").glob("*.txt"))
    lines = path.read_text().split("\n")
    changed = [line.replace("s step_avg", "ms step_avg") if line.startswith("step:") else line for line in lines]
    path.write_text("\n".join(changed))
    refused = judged(data, folder, track=1)
    assert refused["failure"] == "invalid-metric" and "--accept-log" in refused["reason"]
    accepted = judged(data, folder, "--accept-log", track=1)
    assert "untrained-start" in [one["id"] for one in accepted["checks"]]
    assert accepted["metric"] == "train_time_ms"
    assert "nothing measured them apart" in "; ".join(accepted["deviations"])
    first = next(line for line in changed if line.startswith("step:0/"))
    path.write_text("\n".join(changed).replace(first + "\n", ""))
    assert "untrained-start" in failed(judged(data, folder, "--accept-log", track=1))


def test_what_differs_names_it():
    state = {name: torch.zeros(size) for name, size in SHAPE.parameters().items()}
    assert "other frequencies" in what_differs(state, SHAPE)[0]
    state["blocks.0.attn.rotary.angular_freq"] = frequencies()
    assert what_differs(state, SHAPE) == []
    assert "shape" in what_differs(state | {"proj.bias": torch.zeros(3)}, SHAPE)[0]
    assert "complex64" in what_differs(state | {"proj.bias": torch.zeros(512, dtype=torch.complex64)}, SHAPE)[0]
    assert "not finite" in what_differs(state | {"proj.bias": torch.full((512,), float("nan"))}, SHAPE)[0]


def test_our_model_is_causal_and_normalized():
    random = torch.Generator().manual_seed(0)
    state = {name: torch.randn(size, generator=random) * 0.2 for name, size in SHAPE.parameters().items()}
    state["blocks.0.attn.rotary.angular_freq"] = frequencies()
    model = Model(state, SHAPE, "cpu")
    tokens = torch.randint(0, 512, (1, 32), generator=random)
    each = torch.stack([model.losses(tokens, torch.full((1, 32), target))[0] for target in range(512)])
    assert torch.allclose(torch.exp(-each).sum(0), torch.ones(32), atol=1e-4)
    other = tokens.clone()
    other[:, 20:] = 7
    assert torch.equal(model.losses(tokens, tokens)[:, :20], model.losses(other, tokens)[:, :20])
