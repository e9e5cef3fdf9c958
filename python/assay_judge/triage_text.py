"""Literals that look like packed data, and a view of a program without the words in it."""

from __future__ import annotations

import ast
import hashlib
import io
import keyword
import math
import re
import tokenize
from collections import Counter

SHORTEST_TEXT = 40
"""Characters of a literal that is looked at."""
LARGE_TEXT = 2000
"""Characters of a literal that is worth a word although it reads like words or code."""
SHORTEST_TABLE = 128
"""Numbers of a list literal that is looked at."""
ENCODED = re.compile(r"[A-Za-z0-9+/=_\-]+")
HEX = re.compile(r"[0-9a-fA-F]+")


def entropy(text: str) -> float:
    """Bits for each character, from the counts of characters (Shannon)."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())


def looks_encoded(value: str | bytes) -> bool:
    """Whether a literal looks like data in base64, hex, base85 or raw bytes, and not like words or code."""
    if isinstance(value, bytes):
        unprintable = sum(byte < 9 or byte > 126 for byte in value)
        if unprintable > len(value) * 0.2:
            return True
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    packed = "".join(text.split())
    if len(packed) < SHORTEST_TEXT:
        return False
    if sum(character > "\u02ff" for character in packed) > len(packed) * 0.5:
        return True
    words = text.split()
    longest = max(map(len, words))
    # Code and prose have short words; wrapped base64 has lines of 64 or 76.
    if longest < SHORTEST_TEXT and len(packed) / len(words) < 20:
        return False
    bits = entropy(packed)
    if HEX.fullmatch(packed):
        return bits > 3
    if ENCODED.fullmatch(packed):
        return bits > (4.8 if len(packed) >= 200 else 4.4)
    return bits > 5.2


def literals(nodes: list[ast.AST]) -> list[dict]:
    """Long literals: {line, size, encoded, kind: text|table, digest}. Sizes: characters, or numbers of a table."""
    found = []
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
            if len(node.value) < SHORTEST_TEXT:
                continue
            is_encoded = looks_encoded(node.value)
            if is_encoded or len(node.value) >= LARGE_TEXT:
                found.append(describe(node, len(node.value), is_encoded, "text", node.value))
        elif isinstance(node, (ast.List, ast.Tuple, ast.Set)) and len(node.elts) >= SHORTEST_TABLE:
            numbers = [item.value for item in node.elts if isinstance(item, ast.Constant)]
            if len(numbers) >= SHORTEST_TABLE:
                found.append(describe(node, len(numbers), True, "table", repr(numbers)))
        elif isinstance(node, ast.Dict) and len(node.keys) >= SHORTEST_TABLE:
            found.append(describe(node, len(node.keys), True, "table", f"{node.lineno} {len(node.keys)}"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value.bit_length() > 256:
            found.append(describe(node, node.value.bit_length() // 4, True, "text", hex(node.value)))
    return found


def describe(node: ast.AST, size: int, encoded: bool, kind: str, value: str | bytes) -> dict:
    data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(data).hexdigest()[:16]
    return {"line": node.lineno, "size": size, "encoded": encoded, "kind": kind, "digest": digest}


LONGEST_NAME = 32
MOST_WORDS = 4
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class View:
    """Sources with comments taken out, texts replaced by numbers, and names that speak replaced by numbers.

    The same text or name has the same number in every source of one view, so that two versions can be compared.

    suspects: words, in small letters, that no name may have in it.
    """

    def __init__(self, suspects: frozenset[str]) -> None:
        self._suspects = suspects
        self._texts: dict[str, int] = {}
        self._names: dict[str, int] = {}

    def of(self, source: str) -> str:
        """Raises tokenize.TokenError, SyntaxError or IndentationError if it can't be read."""
        kept = []
        depth = 0
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            kind = tokenize.tok_name[token.type]
            # Python 3.12 and later gives f-strings in pieces.
            if kind in ("FSTRING_START", "TSTRING_START"):
                depth += 1
                if depth == 1:
                    kept.append((tokenize.STRING, self._text(f"{token.string} {token.start}")))
            elif kind in ("FSTRING_END", "TSTRING_END"):
                depth -= 1
            elif depth > 0 or kind in ("COMMENT", "NL", "ENCODING", "TYPE_COMMENT"):
                continue
            elif kind == "STRING":
                kept.append((token.type, self._text(token.string)))
            elif kind == "NAME":
                kept.append((token.type, self._name(token.string)))
            elif kind == "NUMBER" and len(token.string) > 40:
                kept.append((token.type, "0"))
            else:
                kept.append((token.type, token.string))
        return tokenize.untokenize(kept)

    def _text(self, text: str) -> str:
        return f'"text {self._texts.setdefault(text, len(self._texts) + 1)}"'

    def _name(self, name: str) -> str:
        if keyword.iskeyword(name) or not self._speaks(name):
            return name
        return f"name_{self._names.setdefault(name, len(self._names) + 1)}"

    def _speaks(self, name: str) -> bool:
        """Whether a name reads like a sentence, or has a word in it that a reader might take for an instruction."""
        words = WORDS.findall(name)
        if not name.isascii() or len(name) > LONGEST_NAME or len(words) > MOST_WORDS:
            return True
        return any(word.lower() in self._suspects for word in words)
