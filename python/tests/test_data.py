"""Own text in the formats of the benchmarks."""

import json
import pickle
import random
import subprocess
import sys
import types
from array import array
from collections import Counter
from pathlib import Path

import pytest
from assay_data import autoresearch, gpt2, parquet, speedrun, token_shard, workers, written
from assay_data.byte_pairs import GPT2_PATTERN, GPT4_PATTERN, Encoder, count_words, train, words_of
from assay_data.documents import MOST_CHARACTERS, collect, cut, split_of

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
    command = [sys.executable, MAKE, benchmark, f"--out={out}", *shares, *map(str, text)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def digests(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in sorted(folder.rglob("*")) if each.is_file()}


@pytest.mark.parametrize("pattern", [GPT2_PATTERN, GPT4_PATTERN])
def test_words_lose_nothing_and_merges_give_the_text_back(pattern: str) -> None:
    assert b"".join(words_of(TEXT, pattern)).decode() == TEXT
    encoder = Encoder(train(count_words([TEXT * 3 + "hello hello hell"], pattern), 60), pattern)
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
    assert train(Counter(words), 3) == [(97, 98), (256, 99), (120, 121)]
    assert train(Counter([b"a"]), 5) == []
    # Overlapping: three of a kind hold one merge, and the rest stays.
    assert Encoder(train(Counter([b"aaa"] * 4), 1), GPT2_PATTERN).encode("aaa") == [256, 97]


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
    assert train(Counter(words), 30) == plain


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


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_a_file_that_is_a_piece_of_another_comes_once(tmp_path: Path, names: tuple[str, str]) -> None:
    lines = [f"line {number} of a long text\n" for number in range(MOST_CHARACTERS // 10)]
    long = "".join(lines)
    first, *rest = cut(long)
    assert rest
    (tmp_path / names[0]).write_text(long)
    (tmp_path / names[1]).write_text(first)
    found = collect([str(tmp_path)], 0.1, 0.1)
    assert found.duplicates == 1
    assert sorted(text for texts in found.texts.values() for text in texts) == sorted([first, *rest])


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
    assert content[1024:] == bytes.fromhex("50c4 0100 0200 50c4 ffff".replace(" ", ""))
    assert token_shard.read(content) == array("H", [50256, 1, 2, 50256, 65535])


# A list of merges in the form of GPT-2's: "Ġ" stands for the space, "Ã" for the byte C3.
MERGES = "#version: 0.2\nĠ a\nl p\nlp h\nlph a\nĠa lpha\nÃ ¼\n".encode()


def test_gpt2_ids_are_those_of_the_printed_bytes_and_the_lines() -> None:
    pairs = gpt2.read_merges(MERGES)
    encoder = Encoder(pairs, GPT2_PATTERN, gpt2.printable_bytes())
    # openai/gpt-2, encoder.json: "!" is 0, "A" 32, "Ġ" (space) 220, newline 198; the first merge is 256.
    assert encoder.encode("!A \n") == [0, 32, 220, 198]
    assert encoder.tokens[256] == b" a" and encoder.encode(" alpha ü") == [260, 220, 261]
    assert sorted(gpt2.printable_bytes()) == list(range(256))


def test_merges_that_are_not_the_published_ones_are_no_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "vocab.bpe").write_bytes(MERGES)
    assert gpt2.find([str(tmp_path)], gpt2.MERGES) is None
    command = [sys.executable, MAKE, "speedrun", f"--out={tmp_path / 'out'}", f"--gpt2={tmp_path}", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 8 and "vocab.bpe" in done.stderr and not (tmp_path / "out").exists()


@pytest.mark.parametrize(("track", "hidden"), [(1, 9), (3, 20)])
def test_speedrun_has_the_shards_that_the_adapter_asks_for(tmp_path: Path, track: int, hidden: int) -> None:
    (tmp_path / "text").mkdir()
    corpus(tmp_path / "text")
    (tmp_path / "moved").mkdir()
    for number, file in enumerate(sorted((tmp_path / "text").iterdir(), reverse=True)):
        (tmp_path / "moved" / f"{number:04d}").write_bytes(file.read_bytes())
    for name, text in (("one", "text"), ("two", "moved")):
        documents = collect([str(tmp_path / text)], 0.2, 0.2)
        facts = speedrun.make(documents, written.Written(str(tmp_path / name)), track, MERGES, b"{}")
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    names = sorted(each.name for each in (tmp_path / "one").glob("*.bin"))
    assert names == [f"fineweb_train_{n:06d}.bin" for n in range(1, hidden + 1)] + ["fineweb_val_000000.bin"]
    read = {name: list(token_shard.read((tmp_path / "one" / name).read_bytes())) for name in names}
    validation, kept = read.pop("fineweb_val_000000.bin"), read.pop(f"fineweb_train_{hidden:06d}.bin")
    training = [token for tokens in read.values() for token in tokens]
    assert [len(each) for each in (training, validation, kept)] == list(facts["tokens"].values())
    # All three are in one folder; no document is in two of them.
    encoder = Encoder(gpt2.read_merges(MERGES), GPT2_PATTERN, gpt2.printable_bytes())
    texts = [set(documents_of(tokens, encoder)) for tokens in (training, validation, kept)]
    assert [len(each) for each in texts] == [len(documents.texts[name]) for name in documents.texts]
    assert len(set.union(*texts)) == 120
    assert (tmp_path / "one" / "tiktoken" / gpt2.MERGES[2]).read_bytes() == MERGES
    assert any("less than a batch" in each for each in facts["deviations"])


def documents_of(tokens: list[int], encoder: Encoder) -> list[str]:
    starts = [place for place, token in enumerate(tokens) if token == 50256] + [len(tokens)]
    return [encoder.decode(tokens[start + 1 : end]) for start, end in zip(starts, starts[1:], strict=False)]


def test_shards_after_the_hidden_one_leave_its_number_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_shard, "SHARD_TOKENS", 1000)
    monkeypatch.setattr(autoresearch, "SHARD_CHARACTERS", 2000)
    (tmp_path / "text").mkdir()
    documents = collect([str(corpus(tmp_path / "text"))], 0.2, 0.2)
    facts = speedrun.make(documents, written.Written(str(tmp_path / "one")), 1, MERGES, None)
    kept = token_shard.read((tmp_path / "one" / facts["shards"]["hidden"]).read_bytes())
    assert facts["shards"]["training"] > 9 and len(kept) == facts["tokens"]["hidden"]
    assert len(list((tmp_path / "one").glob("fineweb_train_*"))) == facts["shards"]["training"] + 1
    pytest.importorskip("torch")
    facts = autoresearch.make(documents, written.Written(str(tmp_path / "two")), 10**9)
    hidden = (tmp_path / "two" / facts["shards"]["hidden"]).read_bytes()
    assert [text for group in parquet.read(hidden) for text in group] == documents.texts["hidden"]
    assert facts["shards"]["training"] > 9
    assert len(list((tmp_path / "two" / "data").iterdir())) == facts["shards"]["training"] + 2


def test_as_many_processes_as_you_like_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{number} {TEXT}" for number in range(700)]
    pairs = train(count_words(texts, GPT4_PATTERN), 80)
    encoder = Encoder(pairs, GPT4_PATTERN)
    for cores in (1, 3):
        monkeypatch.setattr(workers, "cores", lambda cores=cores: cores)
        assert workers.count_all(texts, GPT4_PATTERN) == count_words(texts, GPT4_PATTERN)
        with workers.Encoders(pairs, GPT4_PATTERN) as encoders:
            assert [list(each) for each in encoders.encode(texts)] == [encoder.encode(text) for text in texts]


class Encoding:
    """In the place of tiktoken's."""

    def __setstate__(self, state: dict) -> None:
        self.state = state


def test_autoresearch_has_shards_tokenizer_and_byte_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    (tmp_path / "text").mkdir()
    facts = make(tmp_path / "out", "autoresearch", corpus(tmp_path / "text"))
    made = tmp_path / "out"
    names = sorted(each.name for each in (made / "data").iterdir())
    assert names == [f"shard_{number:05d}.parquet" for number in (0, 1, 9, 6542)]
    texts = []
    for part in (names[:2], names[3:], names[2:3]):
        contents = [(made / "data" / name).read_bytes() for name in part]
        texts.append([text for content in contents for group in parquet.read(content) for text in group])
    assert [len(each) for each in texts] == [facts["documents"][name] for name in ("training", "held-out", "hidden")]
    assert len({text for each in texts for text in each}) == 120
    core = types.ModuleType("tiktoken.core")
    core.Encoding = Encoding
    monkeypatch.setitem(sys.modules, "tiktoken", types.ModuleType("tiktoken"))
    monkeypatch.setitem(sys.modules, "tiktoken.core", core)
    state = pickle.loads((made / "tokenizer" / "tokenizer.pkl").read_bytes()).state
    assert set(state) == {"name", "pat_str", "mergeable_ranks", "special_tokens"} and state["name"] == "rustbpe"
    ranks, specials = state["mergeable_ranks"], state["special_tokens"]
    assert sorted(ranks.values()) == list(range(len(ranks))) and ranks[b"\xc3"] == 0xC3
    assert specials == {f"<|reserved_{n}|>": len(ranks) + n for n in range(4)}
    sizes = torch.load(made / "tokenizer" / "token_bytes.pt")
    assert sizes.dtype == torch.int32 and len(sizes) == facts["vocabulary"] == len(ranks) + 4
    assert sizes[ord("a")] == 1 and sizes[0xC3] == 3 and sizes[-4:].tolist() == [0] * 4
    assert all(sizes[rank] == len(token) for token, rank in ranks.items() if token.isascii())
    whole = [token for token in ranks if not token.isascii() and "\ufffd" not in token.decode("utf-8", "replace")]
    assert whole and all(sizes[ranks[token]] == len(token) for token in whole)
    assert any("20971520 that upstream scores" in each for each in facts["deviations"])


def test_too_little_text_is_said(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "a.txt").write_text("one document " * 20)
    done = subprocess.run(
        [sys.executable, MAKE, "autoresearch", f"--out={tmp_path / 'out'}", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3 and "too little text" in done.stderr
