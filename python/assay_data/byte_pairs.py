"""A byte-level BPE of our own, trained here because the public ones come from the network.

Ids 0 to 255 are the bytes, then one id a merge, in order. A merge is the pair that is most frequent at that point,
within the words that a split pattern makes; of equally frequent ones the pair with the smaller ids (Sennrich et al.
2016, arXiv:1508.07909, algorithm 1, on bytes as in GPT-2).
"""

import heapq
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache

# As Rust's and Python's `regex` write it. GPT-2's, and the GPT-4-like one with at most two digits that the benchmark
# prescribes.
GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
GPT4_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
)
# Words whose tokens are remembered: a hundred bytes or two each.
MOST_KNOWN = 1_000_000
# Unicode's White_Space: Python's own \s has four more characters.
SPACE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


@cache
def category(first_letter: str) -> str:
    """The characters of a general category, as the inside of a character class."""
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code))[0] != first_letter:
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)


@cache
def splitter(pattern: str) -> re.Pattern[str]:
    """For Python's `re`, which knows no \\p."""
    inside = re.sub(r"\\p\{([LN])\}", lambda found: f"\\p{found[1]}", pattern)
    parts: list[str] = []
    in_class = False
    position = 0
    while position < len(inside):
        two, three = inside[position : position + 2], inside[position : position + 3]
        if three in ("\\pL", "\\pN"):
            letters = category(three[2])
            parts.append(letters if in_class else f"[{letters}]")
            position += 3
        elif two == "\\s":
            parts.append(SPACE if in_class else f"[{SPACE}]")
            position += 2
        elif two == "\\S":
            parts.append(f"[^{SPACE}]")
            position += 2
        elif two[:1] == "\\":
            parts.append(two)
            position += 2
        else:
            in_class = two[0] == "[" or (in_class and two[0] != "]")
            parts.append(two[0])
            position += 1
    return re.compile("".join(parts))


def count_words(texts: Iterable[str], pattern: str) -> Counter[bytes]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(splitter(pattern).findall(text))
    return Counter({word.encode("utf-8", "replace"): count for word, count in counts.items()})


def words_of(text: str, pattern: str) -> Iterator[bytes]:
    for found in splitter(pattern).finditer(text):
        yield found[0].encode("utf-8", "replace")


Pair = tuple[int, int]


def train(counts: Counter[bytes], merges: int) -> list[Pair]:
    """The merges, at most so many: fewer where no pair is left.

    @param counts how often each word stands in the text.
    """
    pieces = [list(word) for word in sorted(counts)]
    weights = [counts[word] for word in sorted(counts)]
    totals: Counter[Pair] = Counter()
    places: defaultdict[Pair, set[int]] = defaultdict(set)
    for index, ids in enumerate(pieces):
        for pair in zip(ids, ids[1:], strict=False):
            totals[pair] += weights[index]
            places[pair].add(index)
    heap = [(-count, pair) for pair, count in totals.items()]
    heapq.heapify(heap)
    found: list[Pair] = []
    while heap and len(found) < merges:
        negative, pair = heapq.heappop(heap)
        count = totals.get(pair, 0)
        if count != -negative:
            if count > 0:
                heapq.heappush(heap, (-count, pair))
            continue
        if count < 1:
            continue
        new = 256 + len(found)
        found.append(pair)
        changed: set[Pair] = set()
        for index in places.pop(pair):
            old, weight = pieces[index], weights[index]
            for each in zip(old, old[1:], strict=False):
                totals[each] -= weight
            ids = merged(old, pair, new)
            pieces[index] = ids
            for each in zip(ids, ids[1:], strict=False):
                totals[each] += weight
                places[each].add(index)
                if new in each:
                    changed.add(each)
        for each in changed:
            heapq.heappush(heap, (-totals[each], each))
        totals.pop(pair, None)
    return found


def merged(ids: list[int], pair: Pair, new: int) -> list[int]:
    result: list[int] = []
    position = 0
    while position < len(ids):
        if position + 1 < len(ids) and (ids[position], ids[position + 1]) == pair:
            result.append(new)
            position += 2
        else:
            result.append(ids[position])
            position += 1
    return result


class Encoder:
    """Text to ids by a list of merges.

    @param byte_order the bytes by their ids, where those are not the bytes' own values.
    """

    def __init__(self, merges: list[Pair], pattern: str, byte_order: bytes = bytes(range(256))) -> None:
        self.pattern = pattern
        self.ranks = {pair: 256 + rank for rank, pair in enumerate(merges)}
        self.tokens = [byte_order[number : number + 1] for number in range(256)]
        # For bytes.translate: a byte to its id, which is a byte, too.
        self._ids_of_bytes = bytes(byte_order.index(value) for value in range(256))
        for left, right in merges:
            self.tokens.append(self.tokens[left] + self.tokens[right])
        self._known: dict[str, list[int]] = {}

    def word(self, word: bytes) -> list[int]:
        ids = list(word.translate(self._ids_of_bytes))
        while len(ids) > 1:
            best = min(zip(ids, ids[1:], strict=False), key=lambda pair: self.ranks.get(pair, sys.maxsize))
            if best not in self.ranks:
                break
            ids = merged(ids, best, self.ranks[best])
        return ids

    def encode(self, text: str) -> list[int]:
        ids: list[int] = []
        known = self._known
        for word in splitter(self.pattern).findall(text):
            tokens = known.get(word)
            if tokens is None:
                tokens = self.word(word.encode("utf-8", "replace"))
                if len(known) < MOST_KNOWN:
                    known[word] = tokens
            ids += tokens
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        return b"".join(self.tokens[each] for each in ids).decode("utf-8", "replace")
