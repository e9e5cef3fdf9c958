"""Text files to documents: read, cut, deduplicated, split by hash, in an order that depends on their content alone."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

# A file of more characters is several documents, cut at a blank line or a line's end; all stay in one split.
MOST_CHARACTERS = 100_000
LEAST_CHARACTERS = 64
SPLITS = ("training", "held-out", "hidden")


@dataclass
class Documents:
    texts: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in SPLITS})
    files: int = 0
    not_text: int = 0
    too_short: int = 0
    duplicates: int = 0


def files_below(paths: list[str]) -> Iterator[str]:
    for path in paths:
        if os.path.isfile(path):
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders.sort()
            for name in sorted(names):
                file = os.path.join(folder, name)
                if os.path.isfile(file) and not os.path.islink(file):
                    yield file


def read_text(file: str) -> str | None:
    """Of a file in UTF-8 without zero bytes; None: it is no text."""
    with open(file, "rb") as source:
        content = source.read()
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def fingerprint(text: str) -> bytes:
    """Equal for texts that differ in white space alone."""
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "surrogatepass")).digest()


def cut(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > MOST_CHARACTERS:
        end = start + MOST_CHARACTERS
        at = max(text.rfind("\n\n", start + 1, end) + 1, 0) or text.rfind("\n", start + 1, end) + 1 or end
        yield text[start:at]
        start = at
    yield text[start:]


def split_of(digest: bytes, held_out_share: float, hidden_share: float) -> str:
    """By the document's own hash: what else there is changes nothing, so text added later never moves a document."""
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position < hidden_share:
        return "hidden"
    return "held-out" if position < hidden_share + held_out_share else "training"


def collect(paths: list[str], held_out_share: float, hidden_share: float) -> Documents:
    found = Documents()
    by_split: dict[str, list[tuple[bytes, int, str]]] = {name: [] for name in SPLITS}
    seen: set[bytes] = set()
    seen_pieces: set[bytes] = set()
    for file in files_below(paths):
        found.files += 1
        text = read_text(file)
        if text is None:
            found.not_text += 1
            continue
        if len(text.strip()) < LEAST_CHARACTERS:
            found.too_short += 1
            continue
        digest = fingerprint(text)
        if digest in seen or digest in seen_pieces:
            found.duplicates += 1
            continue
        seen.add(digest)
        pieces = list(cut(text))
        for number, piece in enumerate(pieces):
            if len(pieces) > 1:
                own = fingerprint(piece)
                if own in seen_pieces or own in seen:
                    found.duplicates += 1
                    continue
                seen_pieces.add(own)
            by_split[split_of(digest, held_out_share, hidden_share)].append((digest, number, piece))
    for name, documents in by_split.items():
        # In order of the hash: shuffled, and the same wherever the files lay.
        found.texts[name] = [text for _, _, text in sorted(documents, key=lambda each: each[:2])]
    return found
