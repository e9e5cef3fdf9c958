"""Own text in the formats of the benchmarks."""

import json
import pickle
import random
import subprocess
import sys
import types
from array import array
from pathlib import Path

import pytest
from assay_data import parquet, token_shard
from assay_data.byte_pairs import GPT2_PATTERN, GPT4_PATTERN, Encoder, train, words_of
from assay_data.documents import collect, cut, split_of

MAKE = Path(__file__).parents[1] / "assay_data" / "make.py"
TEXT = "Héllo wörld, 12345 it's   42!\r\n\n\tdef f(x):\n  return x  \u3000日本語 🙂 naïve café"
WORDS = ["alpha", "beta", "gamma", "delta", "kernel", "memory", "driver", "page", "über", "naïve"]


def corpus(folder: Path, documents: int = 120) -> Path:
    draw = random.Random(1)
    for number in range(documents):
        text = " ".join(draw.choice(WORDS) for _ in range(80)) + f"\n{number}\n"
        (folder / f"{draw.randrange(10**9)}.txt").write_text(text, encoding="utf-8")
    return folder


def make(out: Path, benchmark: str, *text: Path) -> dict:
    shares = ["--held-out=0.2", "--hidden=0.2"]
    done = subprocess.run(
        [sys.executable, MAKE, benchmark, f"--out={out}", *shares, *map(str, text)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def digests(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in sorted(folder.rglob("*")) if each.is_file()}


@pytest.mark.parametrize("pattern", [GPT2_PATTERN, GPT4_PATTERN])
def test_words_lose_nothing_and_merges_give_the_text_back(pattern: str) -> None:
    assert b"".join(words_of(TEXT, pattern)).decode() == TEXT
    encoder = Encoder(train(words_of(TEXT * 3 + "hello hello hell", pattern), 60), pattern)
    assert encoder.decode(encoder.encode(TEXT)) == TEXT
    assert len(encoder.encode("hello")) < len("hello")


def test_words_are_those_of_the_patterns() -> None:
    assert list(words_of("it's  12345 x_y", GPT2_PATTERN)) == [b"it", b"'s", b" ", b" 12345", b" x", b"_", b"y"]
    assert list(words_of("it'S 12345\n\n a", GPT4_PATTERN)) == [b"it", b"'S", b" ", b"12", b"34", b"5", b"\n\n", b" a"]
    # Superscript two is a number and no digit; U+001C is space for Python's \s and not for Unicode.
    assert list(words_of("a²\x1cb", GPT2_PATTERN)) == [b"a", "²".encode(), b"\x1c", b"b"]


def test_merges_are_the_most_frequent_pairs_one_after_another() -> None:
    # Counted by hand: "ab" 5 times, then "ab"+"c" 3 times, then "xy" twice.
    words = [b"abc"] * 3 + [b"ab"] * 2 + [b"xy"] * 2
    assert train(words, 3) == [(97, 98), (256, 99), (120, 121)]
    assert train([b"a"], 5) == []
    # Overlapping: three of a kind hold one merge, and the rest stays.
    assert Encoder(train([b"aaa"] * 4, 1), GPT2_PATTERN).encode("aaa") == [256, 97]


def test_a_slow_and_plain_trainer_finds_the_same() -> None:
    draw = random.Random(3)
    words = [bytes(draw.choice(b"abcd") for _ in range(draw.randrange(1, 9))) for _ in range(300)]
    pieces = [list(word) for word in words]
    plain = []
    for new in range(256, 286):
        counts: dict = {}
        for ids in pieces:
            for pair in zip(ids, ids[1:], strict=False):
                counts[pair] = counts.get(pair, 0) + 1
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        plain.append(best)
        for ids in pieces:
            position = 0
            while position + 1 < len(ids):
                if (ids[position], ids[position + 1]) == best:
                    ids[position : position + 2] = [new]
                position += 1
    assert train(words, 30) == plain


def test_documents_are_split_by_their_own_hash(tmp_path: Path) -> None:
    corpus(tmp_path)
    (tmp_path / "twice.txt").write_text((next(tmp_path.iterdir())).read_text() + "  \n")
    (tmp_path / "binary").write_bytes(b"\0" * 100)
    (tmp_path / "short").write_text("short")
    found = collect([str(tmp_path)], 0.2, 0.2)
    assert (found.duplicates, found.not_text, found.too_short) == (1, 1, 1)
    parts = {name: set(texts) for name, texts in found.texts.items()}
    assert sum(map(len, parts.values())) == 120
    assert not parts["training"] & parts["held-out"] and not parts["hidden"] & (parts["training"] | parts["held-out"])
    # Text that comes later moves nothing.
    (tmp_path / "more.txt").write_text("more " * 50)
    later = collect([str(tmp_path)], 0.2, 0.2)
    assert all(parts[name] <= set(later.texts[name]) for name in parts)
    assert split_of(b"\0" * 32, 0.2, 0.2) == "hidden" and split_of(b"\xff" * 32, 0.2, 0.2) == "training"


def test_a_long_file_is_cut_at_lines_and_stays_in_one_part(tmp_path: Path) -> None:
    text = "".join(f"line {number} of a long file\n" for number in range(20_000))
    assert "".join(cut(text)) == text and all(piece.endswith("\n") for piece in cut(text))
    (tmp_path / "long.txt").write_text(text)
    found = collect([str(tmp_path)], 0.2, 0.2)
    assert sorted(len(texts) > 0 for texts in found.texts.values()) == [False, False, True]


def test_parquet_gives_back_what_was_written(tmp_path: Path) -> None:
    texts = [f"{number} ü 日本 {'x' * number}" for number in range(45)] + [""]
    with open(tmp_path / "a.parquet", "wb") as target:
        parquet.write(target, texts, 3)
    content = (tmp_path / "a.parquet").read_bytes()
    groups = list(parquet.read(content))
    assert [len(group) for group in groups] == [3] * 15 + [1]
    assert [text for group in groups for text in group] == texts
    table = pytest.importorskip("pyarrow.parquet", reason="upstream's reader")
    file = table.ParquetFile(tmp_path / "a.parquet")
    assert file.num_row_groups == 16
    assert file.read_row_group(2).column("text").to_pylist() == texts[6:9]


def test_a_shard_has_the_header_and_one_beginning_a_document(tmp_path: Path) -> None:
    with open(tmp_path / "a.bin", "wb") as target:
        token_shard.write(target, token_shard.stream([[1, 2], [65535]]))
    content = (tmp_path / "a.bin").read_bytes()
    assert content[:12] == bytes.fromhex("88d83401 01000000 05000000".replace(" ", ""))
    assert content[12:1024] == bytes(1012)
    assert content[1024:] == bytes.fromhex("52c4 0100 0200 52c4 ffff".replace(" ", ""))
    assert token_shard.read(content) == array("H", [50256, 1, 2, 50256, 65535])


def test_speedrun_is_the_same_bytes_again_wherever_the_text_lies(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    facts = make(tmp_path / "one", "speedrun", corpus(tmp_path / "text"))
    (tmp_path / "moved").mkdir()
    for number, file in enumerate(sorted((tmp_path / "text").iterdir(), reverse=True)):
        (tmp_path / "moved" / f"{number:04d}").write_bytes(file.read_bytes())
    make(tmp_path / "two", "speedrun", tmp_path / "moved")
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    data = tmp_path / "one" / "training" / "data" / "fineweb10B"
    shards = sorted(data.iterdir())
    assert [each.name for each in shards] == ["fineweb_train_000001.bin", "fineweb_train_000002.bin"]
    tokens = [token for each in shards for token in token_shard.read(each.read_bytes())]
    assert len(tokens) == facts["tokens"]["training"] and tokens.count(50256) == facts["documents"]["training"]
    assert max(token for token in tokens if token != 50256) < 50256
    assert not list((tmp_path / "one" / "training").rglob("*val*"))
    assert any("not GPT-2's ids" in each for each in facts["deviations"])
    assert any("BPE of our own" in each for each in facts["deviations"])


class Encoding:
    """In the place of tiktoken's."""

    def __setstate__(self, state: dict) -> None:
        self.state = state


def test_autoresearch_has_shards_tokenizer_and_byte_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    (tmp_path / "text").mkdir()
    facts = make(tmp_path / "out", "autoresearch", corpus(tmp_path / "text"))
    training = tmp_path / "out" / "training"
    names = sorted(each.name for each in (training / "data").iterdir())
    assert names == ["shard_00000.parquet", "shard_00001.parquet"]
    texts = [[t for name in names for g in parquet.read((training / "data" / name).read_bytes()) for t in g]]
    for part in ("held-out", "hidden"):
        content = (tmp_path / "out" / part / "data" / "shard_06542.parquet").read_bytes()
        texts.append([text for group in parquet.read(content) for text in group])
    assert [len(each) for each in texts] == [facts["documents"][name] for name in ("training", "held-out", "hidden")]
    assert len({text for each in texts for text in each}) == 120
    core = types.ModuleType("tiktoken.core")
    core.Encoding = Encoding
    monkeypatch.setitem(sys.modules, "tiktoken", types.ModuleType("tiktoken"))
    monkeypatch.setitem(sys.modules, "tiktoken.core", core)
    state = pickle.loads((training / "tokenizer" / "tokenizer.pkl").read_bytes()).state
    assert set(state) == {"name", "pat_str", "mergeable_ranks", "special_tokens"} and state["name"] == "rustbpe"
    ranks, specials = state["mergeable_ranks"], state["special_tokens"]
    assert sorted(ranks.values()) == list(range(len(ranks))) and ranks[b"\xc3"] == 0xC3
    assert specials == {f"<|reserved_{n}|>": len(ranks) + n for n in range(4)}
    sizes = torch.load(training / "tokenizer" / "token_bytes.pt")
    assert sizes.dtype == torch.int32 and len(sizes) == facts["vocabulary"] == len(ranks) + 4
    assert sizes[ord("a")] == 1 and sizes[0xC3] == 3 and sizes[-4:].tolist() == [0] * 4
    assert sizes[ranks["ü".encode()]] == 2
    assert any("tokens of the 20971520" in each for each in facts["deviations"])


def test_too_little_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one document " * 20)
    done = subprocess.run(
        [sys.executable, MAKE, "speedrun", f"--out={tmp_path / 'out'}", str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 3 and "too little text" in done.stderr
