"""NanoChat Autoresearch, the whole way on the CPU: our data, an unmodified program, its state, the host, the judge."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from assay_data import make, parquet
from assay_judge import autoresearch_rows as rows
from assay_judge.autoresearch_judge import Difference, Limits, nats_of
from assay_judge.autoresearch_run import mixed_seed

PACKAGES = Path(rows.__file__).parents[1]
HERE = Path(__file__).parent
PROGRAM = (HERE / "autoresearch_program.py").read_text()
LENGTH, TOKENS, ROWS = 64, 64 * 32, 4
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": f"{PACKAGES}:{PACKAGES / 'assay_substitutes'}:{HERE / 'stand_ins'}",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data as the task mounts it: seen/, hidden/, tokenizer/."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(1)
    words = ["static", "int", "return", "value", "of", "the", "device", "{", "}", ";\n", "if", "(x)", "état"]
    text = folder / "text"
    text.mkdir()
    for number in range(240):
        content = " ".join(random.choice(words, size=int(random.integers(10, 60))))
        (text / f"{number}.c").write_text(
            f"{number} {content} and so on until the line is long enough to count as text\n"
        )
    made = folder / "made"
    sys.argv = ["make.py", "autoresearch", "--out", str(made), "--held-out", "0.2", "--hidden", "0.2", str(text)]
    assert make.main() == 0
    task = folder / "task"
    (task / "seen").mkdir(parents=True)
    (task / "hidden").mkdir()
    for shard in (made / "data").iterdir():
        place = "hidden" if shard.name == "shard_00009.parquet" else "seen"
        (task / place / shard.name).write_bytes(shard.read_bytes())
    (made / "tokenizer").rename(task / "tokenizer")
    (task / "data.json").write_bytes((made / "data.json").read_bytes())
    return task


def train(data: Path, folder: Path, program: str, seed: int = 1) -> subprocess.CompletedProcess:
    """The phase in which the program runs. Evaluation at 64 tokens a row is the program's own in these tests."""
    (folder / "train.py").write_text(program)
    command = [
        sys.executable,
        "-P",
        "-m",
        "assay_judge.autoresearch_run",
        "--preload",
        "torch",
        "--data",
        data / "seen",
    ]
    command += ["--tokenizer", data / "tokenizer", "--checkpoint", folder / "checkpoint.pt", "--time-budget", "0.2"]
    command += ["--eval-tokens", str(2 * 4 * 2048), "--seed", str(seed), folder / "train.py"]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, cwd=folder)


def judged(data: Path, folder: Path, program: str | None = None, *options: str) -> dict:
    """The judge's phase. program: what the host runs instead of the program that trained."""
    if program is not None:
        (folder / "train.py").write_text(program)
    to_host, from_judge = os.pipe()
    from_host, to_judge = os.pipe()
    host = [sys.executable, "-P", "-m", "assay_judge.autoresearch_host", "--tokenizer", data / "tokenizer"]
    host += ["--script", folder / "train.py"]
    judge = [sys.executable, "-P", "-m", "assay_judge.autoresearch_judge", "--data", data, "--seed", "5"]
    judge += ["--tokens", str(TOKENS), "--length", str(LENGTH), "--rows", str(ROWS), "--time-budget", "0.2"]
    judge += ["--checkpoint", folder / "checkpoint.pt", "--result", folder / "result.json", *options]
    with subprocess.Popen(host, env=ENVIRONMENT, stdin=to_host, stdout=to_judge, stderr=subprocess.PIPE) as peer:
        os.close(to_host)
        os.close(to_judge)
        variables = ENVIRONMENT | {
            "ASSAY_PEER_OUT_FD": str(from_judge),
            "ASSAY_PEER_IN_FD": str(from_host),
            "ASSAY_SUBSTITUTES": "kernels,rustbpe",
        }
        ended = subprocess.run(
            judge, env=variables, pass_fds=[from_judge, from_host], capture_output=True, text=True, timeout=180
        )
        os.close(from_judge)
        os.close(from_host)
        peer.kill()
        assert ended.returncode == 0, ended.stderr + peer.stderr.read().decode()
    return json.loads((folder / "result.json").read_text())


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what an honest run left."""
    folder = tmp_path_factory.mktemp("trained")
    ended = train(data, folder, PROGRAM)
    assert ended.returncode == 0, ended.stderr
    assert "val_bpb:" in ended.stdout
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    for name in ("checkpoint.pt", f"checkpoint.pt{rows.TIMELINE_SUFFIX}", "train.py"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    return tmp_path


def check_of(result: dict, name: str) -> dict:
    return next(one for one in result["checks"] if one["id"] == name)


def test_an_honest_program_is_measured(data: Path, folder: Path):
    result = judged(data, folder)
    assert result["valid"], result
    assert all(one["ok"] for one in result["checks"])
    assert 2 < result["value"] < 9
    assert result["metrics"]["tokens_scored"] == 2 * TOKENS
    assert {"logits-recomputed", "causality", "statelessness", "tokens-scored"} <= {
        one["id"] for one in result["checks"]
    }
    words = check_of(result, "deviations")["detail"]
    assert "package kernels" in words and "text is not upstream's" in words and f"{TOKENS} tokens" in words


def changed(before: str, after: str, program: str = PROGRAM) -> str:
    assert before in program
    return program.replace(before, after)


LOGITS = "logits = 15 * torch.tanh(self.head(x).float() / 15)"
HOSTILE = {
    # Sees the next token in its input.
    "peeks": (changed(LOGITS, f"{LOGITS} + 3 * F.one_hot(tokens.roll(-1, 1), self.head.weight.shape[0])"), "causality"),
    # Learns from what it is shown.
    "learns": (
        changed(
            LOGITS,
            f"{LOGITS} + self.__dict__.setdefault('seen', []).__len__() * x.sum(-1, keepdim=True) * 9"
            "\n        self.seen.append(1)\n        logits[..., :50] += 0.01 * len(self.seen)",
        ),
        "statelessness",
    ),
    # Rows know of each other.
    "mixes rows": (
        changed(LOGITS, f"{LOGITS} + 3 * F.one_hot(tokens.roll(1, 0), self.head.weight.shape[0])"),
        "logits-recomputed",
    ),
    # Says smaller losses than its logits give: cross_entropy is ours, but in its process.
    "forges losses": (
        changed(
            "torch.manual_seed(42)",
            "_real = F.cross_entropy\nF.cross_entropy = lambda *a, **k: _real(*a, **k) * 0.9\ntorch.manual_seed(42)",
        ),
        "logits-recomputed",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_dishonest_model_is_refused(data: Path, folder: Path, name: str):
    program, check = HOSTILE[name]
    result = judged(data, folder, program)
    assert not result["valid"]
    assert not check_of(result, check)["ok"], result["checks"]
    assert result["suspected"] is True


def test_free_steps_and_a_forged_clock_are_refused(data: Path, folder: Path):
    note = folder / f"checkpoint.pt{rows.TIMELINE_SUFFIX}"
    timeline = json.loads(note.read_text())
    timeline["handed"] = [timeline["evaluated_at"] - 30] * 1000 + timeline["handed"]
    note.write_text(json.dumps(timeline | {"tokens": 1000 * len(timeline["handed"])}))
    result = judged(data, folder, None, "--free-tokens", "100000")
    assert result["check"] == "free-steps"
    result = judged(data, folder, None, "--train-seconds", "5")
    assert result["check"] == "train-clock"
    note.unlink()
    assert judged(data, folder)["check"] == "train-clock"


def test_an_edit_that_hides_its_model_fails_in_words(data: Path, folder: Path):
    early = changed(
        "tokenizer = Tokenizer.from_directory()",
        "tokenizer = Tokenizer.from_directory()\nnext(make_dataloader(tokenizer, 1, 8, 'train'))",
    )
    result = judged(data, folder, early)
    assert result["failure"] == "crash"
    assert "before the first batch no variable" in result["reason"]


def test_another_name_and_a_model_in_a_function_are_found(data: Path, folder: Path):
    at = PROGRAM.index("torch.manual_seed(42)")
    inside = "".join(f"    {line}\n" for line in PROGRAM[at:].splitlines()).replace("model", "trunk")
    program = f"{PROGRAM[:at]}def main():\n{inside}\nmain()\n"
    assert judged(data, folder, program)["valid"]


def test_runs_differ_by_the_trials_seed_and_not_by_the_programs(data: Path, tmp_path: Path):
    assert mixed_seed(1, 42) == mixed_seed(1, 42)
    assert len({mixed_seed(trial, asked) for trial in range(20) for asked in range(20)}) == 400
    say = changed("tokenizer = Tokenizer", "print(torch.rand(1).item())\nraise SystemExit(3)\ntokenizer = Tokenizer")
    shown = [train(data, tmp_path, say, seed).stdout for seed in (1, 1, 2)]
    assert shown[0] == shown[1] != shown[2]


def test_a_program_that_never_evaluates_leaves_nothing_to_judge(data: Path, tmp_path: Path):
    assert (
        train(
            data, tmp_path, changed("val_bpb = evaluate_bpb", "raise SystemExit(0)\nval_bpb = evaluate_bpb")
        ).returncode
        == 0
    )
    result = judged(data, tmp_path)
    assert result["failure"] == "crash"
    assert "no checkpoint" in result["reason"]


def slow_rows(texts: list[list[int]], capacity: int, count: int, buffered: int) -> list[list[int]]:
    """Upstream's packing, word by word as its documentation says it, with a plain list."""
    waiting: list[list[int]] = []
    source = iter(texts)
    found = []
    for _ in range(count):
        row: list[int] = []
        while len(row) < capacity:
            while len(waiting) < buffered:
                waiting += [next(source) for _ in range(rows.DOCUMENTS_AT_ONCE)]
            left = capacity - len(row)
            fitting = [len(one) if len(one) <= left else 0 for one in waiting]
            lengths = [len(one) for one in waiting]
            place = fitting.index(max(fitting)) if max(fitting) else lengths.index(min(lengths))
            row += waiting.pop(place)[:left]
        found.append(row)
    return found


def test_rows_are_packed_in_upstreams_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    random = np.random.default_rng(0)
    texts = [
        "".join(chr(97 + int(one)) for one in random.integers(0, 26, size=int(size)))
        for size in random.integers(1, 90, 640)
    ]
    with (tmp_path / "a.parquet").open("wb") as file:
        parquet.write(file, texts, 128)

    class Letters:
        """One token a letter."""

        def encode_single_token(self, _: str) -> int:
            return 999

        def encode_ordinary_batch(self, many: list[str], num_threads: int) -> list[list[int]]:
            return [[ord(letter) for letter in text] for text in many]

    monkeypatch.setattr(rows, "BUFFERED_DOCUMENTS", 200)
    packer = rows.Packer([str(tmp_path / "a.parquet")], Letters(), 65)
    expected = slow_rows([[999, *map(ord, text)] for text in texts], 65, 100, 200)
    assert [packer.row() for _ in range(100)] == expected


def test_nats_are_those_of_a_softmax():
    random = np.random.default_rng(0)
    logits = random.normal(size=(6, 50)).astype(np.float32) * 4
    targets = random.integers(0, 50, 6).astype(np.int32)
    exact = logits.astype(np.float64)
    expected = np.log(np.exp(exact).sum(1)) - exact[np.arange(6), targets]
    found, error = nats_of(logits, targets)
    assert np.allclose(found, expected, atol=1e-6)
    assert error < 1e-6


def test_rounding_passes_and_a_small_steady_gain_does_not():
    random = np.random.default_rng(0)
    limits = Limits()
    rounded, better, nothing = Difference(), Difference(), Difference()
    for _ in range(32):
        row = random.uniform(0, 8, 2048)
        rounded.add(row + random.normal(scale=0.02, size=2048), row)
        better.add(row - 0.004 + random.normal(scale=0.02, size=2048), row)
    assert rounded.is_small(limits)
    assert not better.is_small(limits)
    assert not nothing.is_small(limits)
