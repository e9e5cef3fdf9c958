"""Makes the task's three byte files, train, heldout and hidden, from text that is on the machine.

Trusted, run once by set-up:

    python prepare_text.py --sources sources.txt --out <folder>

1. Each text file is a document; what is no UTF-8, or shorter than LEAST_BYTES or longer than MOST_BYTES, is left out.
2. SHA-256 of a document decides its split and its place, so the same files make the same bytes wherever they lie.
3. A document most of whose longer lines stand in documents before it is dropped, over the whole collection, held-out
   documents first: no near-duplicate of one of them, in this sense, stands in training.
4. Held-out documents are cut into pieces of PIECE_BYTES, and the pieces are put into an order of their own, so that a
   part of the split says as much as the whole.
5. The second half of heldout and of hidden also holds canaries, as canary_text.py of the judge has it: lines of random
   letters that stand nowhere else, many times each.
6. `manifest.json` says what was made, with hashes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

LEAST_BYTES = 512
MOST_BYTES = 1 << 20
PIECE_BYTES = 2048
LINE_BYTES = 24
"""Lines shorter than this, blanks at both ends taken off, are not compared."""
SEEN_SHARE = 0.5
SPLITS = ("heldout", "hidden", "train")
HELDOUT_SHARE = 0.02
HIDDEN_SHARE = 0.02
LEAST_SPLIT_BYTES = 2 << 20
"""Of heldout and of hidden, each."""
CANARIES = 8
CANARY_COPIES = 48
CANARY_BYTES = 72
TEXT_SUFFIXES = frozenset(
    [
        ".c",
        ".h",
        ".S",
        ".py",
        ".pyi",
        ".rs",
        ".go",
        ".js",
        ".ts",
        ".java",
        ".cpp",
        ".cc",
        ".hpp",
        ".cu",
        ".cuh",
        ".rst",
        ".md",
        ".txt",
        ".html",
        ".xml",
        ".yaml",
        ".json",
    ]
)


class DataError(Exception):
    """A mistake that the person at the keyboard can repair; its text is shown without a traceback."""


def read_sources(path: Path) -> list[str]:
    """The lines of a list of sources that are no comments."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        raise DataError(f"{path}: names no text\n  remedy: name files, folders or archives in it, or the word python")
    return found


def documents_of(source: str) -> Iterator[bytes]:
    """The content of every text file of a source."""
    if source == "python":
        for folder in sorted({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")}):
            yield from files_below(Path(folder), frozenset({".py"}))
        return
    path = Path(source)
    if path.is_dir():
        yield from files_below(path, TEXT_SUFFIXES)
    elif path.is_file() and tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and Path(member.name).suffix in TEXT_SUFFIXES and member.size <= MOST_BYTES:
                    content = archive.extractfile(member)
                    if content is not None:
                        yield content.read()
    elif path.is_file():
        yield path.read_bytes()
    else:
        raise DataError(f"{source}: no such file or folder\n  remedy: correct sources.txt")


def files_below(folder: Path, suffixes: frozenset[str]) -> Iterator[bytes]:
    """The content of the text files below a folder; links are not followed."""
    for root, folders, names in folder.walk() if hasattr(folder, "walk") else walk(folder):
        folders.sort()
        for name in sorted(names):
            path = root / name
            if path.suffix in suffixes and path.is_file() and not path.is_symlink():
                yield path.read_bytes()


def walk(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Path.walk for Python 3.11."""
    import os

    for root, folders, names in os.walk(folder):
        yield Path(root), folders, names


def is_text(content: bytes) -> bool:
    """Whether it is a document of this task."""
    if not LEAST_BYTES <= len(content) <= MOST_BYTES or b"\0" in content:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def split_of(digest: bytes) -> str:
    """The split that a document's SHA-256 assigns it to: its first 8 bytes as a fraction of 2**64."""
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position < HELDOUT_SHARE:
        return "heldout"
    return "hidden" if position < HELDOUT_SHARE + HIDDEN_SHARE else "train"


def make_splits(documents: Iterator[bytes], most_bytes: int) -> tuple[dict[str, list[bytes]], int]:
    """The documents of each split in their order, and how many were dropped. At most about `most_bytes` in all."""
    by_digest = {hashlib.sha256(content).digest(): content for content in documents if is_text(content)}
    order = sorted(by_digest, key=lambda digest: (SPLITS.index(split_of(digest)), digest[16:], digest))
    splits: dict[str, list[bytes]] = {name: [] for name in SPLITS}
    seen: set[int] = set()
    size = dropped = 0
    for digest in order:
        content = by_digest.pop(digest)
        lines = {hash(line) for line in map(bytes.strip, content.split(b"\n")) if len(line) >= LINE_BYTES}
        if lines and len(lines & seen) > SEEN_SHARE * len(lines):
            dropped += 1
            continue
        if size + len(content) > most_bytes:
            break
        seen |= lines
        size += len(content)
        splits[split_of(digest)].append(content if content.endswith(b"\n") else content + b"\n")
    return splits, dropped


def pieces_of(documents: list[bytes]) -> list[bytes]:
    """The documents in pieces, in the order of the pieces' hashes."""
    pieces = [one[at : at + PIECE_BYTES] for one in documents for at in range(0, len(one), PIECE_BYTES)]
    return sorted(pieces, key=lambda piece: hashlib.sha256(piece).digest())


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


def with_canaries(pieces: list[bytes], canaries: list[bytes]) -> list[bytes]:
    """The pieces with CANARY_COPIES of each canary spread evenly over their second half."""
    half = len(pieces) // 2
    rest = len(pieces) - half
    copies = canaries * CANARY_COPIES
    result = pieces[:half]
    for place, piece in enumerate(pieces[half:]):
        result += copies[place * len(copies) // rest : (place + 1) * len(copies) // rest]
        result.append(piece)
    return result


def prepare(sources: list[str], out: Path, most_bytes: int, least_split_bytes: int = LEAST_SPLIT_BYTES) -> dict:
    """Makes the files and returns the manifest."""
    splits, dropped = make_splits((content for one in sources for content in documents_of(one)), most_bytes)
    made = {"train": b"".join(splits["train"])}
    for name in ("heldout", "hidden"):
        made[name] = b"".join(with_canaries(pieces_of(splits[name]), canaries_of(name)))
        if len(made[name]) < least_split_bytes:
            raise DataError(
                f"the text is too short: {len(made[name])} bytes for {name}, {least_split_bytes} needed\n"
                "  remedy: name more text in sources.txt; 100 MB are a good start"
            )
    for name, content in made.items():
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.bin").write_bytes(content)
        if name != "train":
            (folder / "canaries.bin").write_bytes(b"".join(canaries_of(name)))
    manifest = {
        "near_duplicates_dropped": dropped,
        "splits": {
            name: {
                "documents": len(splits[name]),
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for name, content in made.items()
        },
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    return manifest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=Path, required=True, help="a list of files, folders and archives")
    parser.add_argument("--out", type=Path, required=True, help="where train/, heldout/, hidden/ are written")
    parser.add_argument("--most-bytes", type=int, default=400_000_000, help="text that is used in all")
    options = parser.parse_args()
    try:
        manifest = prepare(read_sources(options.sources), options.out, options.most_bytes)
    except DataError as error:
        print(f"prepare_text: {error}", file=sys.stderr)
        return 1
    for name, facts in manifest["splits"].items():
        print(f"{name}: {facts['documents']} documents, {facts['bytes']} bytes, sha256 {facts['sha256'][:12]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
