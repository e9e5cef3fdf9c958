"""The GPU task on a CPU: its text, its patterns, three steps of training in reduced form, and the judge."""

from __future__ import annotations

import itertools
import os
import re
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml
from hand_made_hosts import answering, english, judged

TASK = Path(__file__).resolve().parents[1]
PATTERNS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((TASK / "patterns").glob("*.yaml"))}
VANILLA = (TASK / "train.py").read_text()
RED_TEAM = TASK.parents[1] / "src" / "audit" / "red-team"
CONTROLS = [
    path
    for path in sorted((RED_TEAM / "controls" / "training").glob("*.py"))
    if "needs: language-model" in path.read_text() and re.search(r"def (load_model|train)\(", path.read_text())
]
SMALL = {"LAYERS": "1", "WIDTH": "32", "HEADS": "2", "BATCH_ROWS": "2", "TRAIN_LENGTH": "64"}


def module_of(name: str, text: str) -> ModuleType:
    """A file of the task as a module."""
    module = ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)
    return module


prepare_text = module_of("prepare_text", (TASK / "prepare_text.py").read_text())


def apply(text: str, name: str, *, reverse: bool = False) -> str:
    """Applies one pattern's edits, or takes them back."""
    for edit in PATTERNS[name]["edits"]:
        find, replace = (edit["replace"], edit["find"]) if reverse else (edit["find"], edit["replace"])
        assert text.count(find) == 1, (name, find)
        text = text.replace(find, replace)
    return text


def everything() -> str:
    text = VANILLA
    for name in PATTERNS:
        text = apply(text, name)
    return text


def small(text: str) -> str:
    """The same program at a size for one core."""
    for name, value in SMALL.items():
        text, count = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
        assert count == 1
    return text


def words(seed: int, lines: int = 40) -> bytes:
    """A document of random words."""
    return b"".join(english(60, seed * 1000 + line).tobytes() + b"\n" for line in range(lines))


def test_text_is_split_by_content_wherever_it_lies_and_no_near_duplicate_crosses(tmp_path):
    documents = [words(seed) for seed in range(300)]
    for number, document in enumerate(documents):
        (tmp_path / "text").mkdir(exist_ok=True)
        (tmp_path / "text" / f"{number}.txt").write_bytes(document)
    (tmp_path / "text" / "binary.txt").write_bytes(b"\0" * 4096)
    with tarfile.open(tmp_path / "text.tar.xz", "w:xz") as archive:
        archive.add(tmp_path / "text", arcname="elsewhere")
    made = []
    for source in (tmp_path / "text", tmp_path / "text.tar.xz"):
        out = tmp_path / f"out-{source.name}"
        made.append(prepare_text.prepare([str(source)], out, 10**9, least_split_bytes=1))
    assert made[0] == made[1]
    assert sum(facts["documents"] for facts in made[0]["splits"].values()) == 300

    heldout = (tmp_path / "out-text" / "heldout" / "heldout.bin").read_bytes()
    canaries = (tmp_path / "out-text" / "heldout" / "canaries.bin").read_bytes()
    assert heldout.count(canaries[:72]) == prepare_text.CANARY_COPIES
    assert prepare_text.with_canaries([b"x"] * 100, [b"c"])[:50] == [b"x"] * 50
    chosen = next(one for one in documents if one[:600] in heldout or one[-600:] in heldout)
    for number in range(100):  # some of them would fall into training
        lines = chosen.split(b"\n")
        lines[number % len(lines)] = words(5000 + number, 1)
        (tmp_path / "text" / f"copy-{number}.txt").write_bytes(b"\n".join(lines))
    again = prepare_text.prepare([str(tmp_path / "text")], tmp_path / "again", 10**9, least_split_bytes=1)
    assert again["near_duplicates_dropped"] >= 99
    train = (tmp_path / "again" / "train" / "train.bin").read_bytes()
    held = [line for line in chosen.split(b"\n") if len(line) > 40]
    assert sum(line in train for line in held) == 0


def test_a_source_that_is_missing_or_too_short_is_said_with_a_remedy(tmp_path):
    with pytest.raises(prepare_text.DataError, match="no such file"):
        prepare_text.prepare([str(tmp_path / "missing")], tmp_path / "out", 10**9)
    (tmp_path / "short.txt").write_bytes(words(1))
    with pytest.raises(prepare_text.DataError, match="too short"):
        prepare_text.prepare([str(tmp_path / "short.txt")], tmp_path / "out", 10**9)
    (tmp_path / "sources.txt").write_text("# nothing\n")
    with pytest.raises(prepare_text.DataError, match="names no text"):
        prepare_text.read_sources(tmp_path / "sources.txt")
    assert prepare_text.read_sources(TASK / "sources.txt") == ["python"]


def test_every_two_patterns_combine_in_either_order_and_come_off():
    for left, right in itertools.combinations(PATTERNS, 2):
        both = apply(apply(VANILLA, left), right)
        assert both == apply(apply(VANILLA, right), left), (left, right)
        assert apply(apply(both, left, reverse=True), right, reverse=True) == VANILLA


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """What the supervisor gives to a trial."""
    torch = pytest.importorskip("torch")
    english(1 << 16).tofile(tmp_path / "train.bin")
    for name, value in {
        "ASSAY_DATA": str(tmp_path),
        "ASSAY_OUTPUT": str(tmp_path),
        "ASSAY_SEED": "5",
        "ASSAY_BUDGET_SECONDS": "60",
        "ASSAY_MAX_STEPS": "3",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(TASK))
    monkeypatch.setitem(sys.modules, "harness", module_of("harness", (TASK / "harness.py").read_text()))
    torch.set_num_threads(1)
    return tmp_path


@pytest.mark.parametrize("name", ["vanilla", *PATTERNS, "all"])
def test_a_program_trains_and_passes_the_judge(name: str, environment, capsys):
    import torch

    text = VANILLA if name == "vanilla" else everything() if name == "all" else apply(VANILLA, name)
    program = module_of("candidate", small(text))
    program.train()
    claims = dict(line.split(": ") for line in capsys.readouterr().out.splitlines())
    assert claims["steps"] == "3"
    model = program.load_model(str(environment / "checkpoint.pt"))

    def answer(tokens: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            logits = model(torch.from_numpy(tokens.astype(np.int64)))
        assert logits.dtype == torch.float32
        return logits.numpy()

    result = judged(answering(answer), english(4 * 1024 + 1, 7), context=1024)
    assert result["valid"] is True, result
    assert 4.0 < result["value"] < 12.0


def with_control(path: Path, text: str) -> str:
    """What the red team makes of the program: the part for its top, the program, the part for its end."""
    top, end = re.fullmatch(
        r"(?:#[^\n]*\n)*?(?:# --- top\n(.*?))?# --- end\n(.*)", path.read_text(), re.DOTALL
    ).groups()
    program, main = text.split('if __name__ == "__main__":')
    future = "from __future__ import annotations\n"
    assert future in program
    return program.replace(future, future + (top or "")) + end + '\n\nif __name__ == "__main__":' + main


@pytest.mark.parametrize("path", sorted(RED_TEAM.glob("*/training/*.py")), ids=lambda path: path.stem)
def test_what_the_red_team_writes_brings_its_own_imports(path: Path):
    """A canary that fails for want of a name is caught for no reason, and its batch is void."""
    text = path.read_text()
    for module, name in {"numpy as np": "np", "os": "os"}.items():
        if re.search(rf"(?<![\w.\"'/]){name}\.", re.sub(r"^#.*$", "", text, flags=re.MULTILINE)):
            assert f"import {module}" in text


@pytest.mark.parametrize("path", sorted(RED_TEAM.glob("exploits/training/*.py")), ids=lambda path: path.stem)
def test_an_exploit_of_what_training_leaves_lets_the_warm_up_pass(path: Path):
    """There is neither text nor a checkpoint yet, and a canary that crashes there is caught for no reason."""
    wrapper = re.search(r"^def train\(\):\n(.*?)(?=^\S|\Z)", path.read_text(), re.DOTALL | re.MULTILINE)
    if wrapper and re.search(r"train_bytes\(\)|checkpoint_path\(\)", wrapper[1]):
        assert '"ASSAY_DATA" not in os.environ' in wrapper[1]


@pytest.mark.parametrize("path", CONTROLS, ids=lambda path: path.stem)
def test_an_honest_control_trains_and_answers_by_way_of_the_cpu(path: Path, environment, monkeypatch):
    """A checkpoint of a GPU has to be read onto the CPU and answered where `answer` says: each batch has a control."""
    import torch
    from torch.utils.serialization import config

    loads = []
    honest = torch.load
    monkeypatch.setattr(torch, "load", lambda *given, **named: loads.append(named) or honest(*given, **named))
    program = module_of("candidate", with_control(path, small(VANILLA)))
    answered = []
    honest_answer = program.answer
    program.answer = lambda *given: answered.append(1) or honest_answer(*given)
    with monkeypatch.context() as warming:
        warming.setenv("ASSAY_WARM_UP", "1")
        program.train()
    program.train()
    loads.clear()
    try:
        model = program.load_model(str(environment / "checkpoint.pt"))
    finally:
        config.load.mmap = False
    assert model(torch.zeros(2, 8, dtype=torch.int64)).shape == (2, 8, 256)
    assert answered
    assert [named.get("map_location") for named in loads] == ["cpu"]


def test_the_warm_up_needs_no_text_and_leaves_no_checkpoint(environment, monkeypatch):
    (environment / "train.bin").unlink()
    monkeypatch.setenv("ASSAY_WARM_UP", "1")
    monkeypatch.delenv("ASSAY_BUDGET_SECONDS")
    module_of("candidate", small(VANILLA)).train()
    assert os.listdir(environment) == []
