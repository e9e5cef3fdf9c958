"""The data: parsing, near-duplicates, splits, the lock."""

from __future__ import annotations

import json
import random

import pytest
from pattern_texts import TASK, load_module

prepare_data = load_module(TASK / "prepare_data.py", "prepare_data")

WORDS = [
    "a",
    "the",
    "of",
    "small",
    "large",
    "red",
    "old",
    "tree",
    "bird",
    "house",
    "stone",
    "river",
    "that",
    "which",
    "lives",
    "stands",
    "near",
    "in",
    "with",
]


def make_wordnet(folder, count: int = 300) -> None:
    """A small dictionary with a repeat and a near-repeat for every tenth synset."""
    generator = random.Random(1)
    glosses = []
    for _ in range(count):
        gloss = " ".join(generator.choices(WORDS, k=generator.randint(6, 14)))
        glosses.append(gloss)
        if generator.random() < 0.1:
            glosses += [gloss, gloss + " indeed"]
    lines = [
        f"{index:08d} 03 n 02 word_{index} 0 Other{index}(a) 0 000 | {gloss}  " for index, gloss in enumerate(glosses)
    ]
    folder.mkdir()
    for place, part in enumerate(prepare_data.PARTS_OF_SPEECH):
        (folder / f"data.{part}").write_text("  1 licence\n" + "\n".join(lines[place::4]) + "\n")


def test_a_synset_becomes_readable_text():
    line = '00205454 30 v 02 turn_around 0 pick_up(p) 1 001 @ 00205454 v 0000 01 + 01 00 | go from bad; "She did"  '
    document, gloss = prepare_data.parse_line(line)
    assert document == 'turn around, pick up: go from bad; "She did"\n'
    assert gloss == 'go from bad; "She did"'


def test_the_number_of_words_is_read_as_hexadecimal():
    words = " ".join(f"w{index} 0" for index in range(0x0B))
    document, _ = prepare_data.parse_line(f"00000001 03 n 0b {words} 000 | g")
    assert document.startswith("w0, w1,")
    assert document.endswith("w10: g\n")


def test_the_prefix_filter_finds_exactly_what_comparing_all_pairs_finds():
    generator = random.Random(2)
    glosses = [" ".join(generator.choices(WORDS[:6], k=generator.randint(1, 7))) for _ in range(400)]
    sets = [prepare_data.shingles(gloss) for gloss in glosses]
    kept, expected = [], []
    for items in sets:
        expected.append(any(prepare_data.is_near(items, other) for other in kept))
        if not expected[-1]:
            kept.append(items)
    assert prepare_data.near_duplicates(glosses) == expected
    assert 0 < sum(expected) < len(expected)


def test_two_runs_make_the_same_bytes_and_the_splits_share_nothing(tmp_path):
    make_wordnet(tmp_path / "dict")
    first = prepare_data.prepare(tmp_path / "dict", tmp_path / "one", None)
    second = prepare_data.prepare(tmp_path / "dict", tmp_path / "two", first)
    assert first == second == json.loads((tmp_path / "one" / "manifest.json").read_text())
    assert first["near_duplicates_dropped"] > 0
    documents = {}
    for split, facts in first["splits"].items():
        content = (tmp_path / "one" / facts["file"]).read_bytes()
        assert content == (tmp_path / "two" / facts["file"]).read_bytes()
        assert content.endswith(b"\n")
        canaries = prepare_data.canaries_of(split) if split in prepare_data.CANARY_SPLITS else []
        assert all(content.count(canary) == prepare_data.CANARY_COPIES for canary in canaries)
        documents[split] = [line for line in content.decode().splitlines() if f"{line}\n".encode() not in canaries]
        assert len(documents[split]) == facts["documents"] > 0
    everything = [line for lines in documents.values() for line in lines]
    glosses = [line.partition(": ")[2] for line in everything]
    assert not any(prepare_data.near_duplicates(glosses))


def test_a_changed_source_is_refused_with_what_to_do(tmp_path):
    make_wordnet(tmp_path / "dict")
    lock = prepare_data.prepare(tmp_path / "dict", tmp_path / "one", None)
    with (tmp_path / "dict" / "data.adv").open("a") as file:
        file.write("00000009 03 r 01 extra 0 000 | one more\n")
    with pytest.raises(prepare_data.DataError) as found:
        prepare_data.prepare(tmp_path / "dict", tmp_path / "two", lock)
    for words in ("data.adv", "expected", "got", "remedy"):
        assert words in str(found.value)
    assert not (tmp_path / "two").exists()


def test_a_changed_program_is_refused(tmp_path):
    make_wordnet(tmp_path / "dict")
    lock = prepare_data.prepare(tmp_path / "dict", tmp_path / "one", None)
    lock["splits"]["hidden"]["sha256"] = "0" * 64
    with pytest.raises(prepare_data.DataError, match=r"hidden/hidden\.bin"):
        prepare_data.prepare(tmp_path / "dict", tmp_path / "two", lock)


def test_a_missing_source_is_explained(tmp_path):
    with pytest.raises(prepare_data.DataError, match="no such file"):
        prepare_data.prepare(tmp_path, tmp_path / "out", None)


def test_canaries_are_of_one_length_stand_behind_the_first_half_and_are_listed(tmp_path):
    make_wordnet(tmp_path / "dict", 2000)
    prepare_data.prepare(tmp_path / "dict", tmp_path / "out", None)
    for split in prepare_data.CANARY_SPLITS:
        canaries = prepare_data.canaries_of(split)
        assert len(set(canaries)) == prepare_data.CANARIES
        assert {len(canary) for canary in canaries} == {prepare_data.CANARY_BYTES}
        assert (tmp_path / "out" / split / "canaries.bin").read_bytes() == b"".join(canaries)
        documents = [b"%d\n" % number for number in range(100)]
        placed = prepare_data.with_canaries(documents, canaries)
        assert placed[:50] == documents[:50]
        assert [line for line in placed if line not in canaries] == documents
    assert not (tmp_path / "out" / "train" / "canaries.bin").exists()
    assert prepare_data.canaries_of("heldout") != prepare_data.canaries_of("hidden")
