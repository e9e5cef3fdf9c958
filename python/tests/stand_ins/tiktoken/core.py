"""As a pickle of tokenizer.pkl finds it."""

from __future__ import annotations

from typing import Any

from assay_data.byte_pairs import words_of


class Encoding:
    """From the state that assay_data writes."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.pattern = state["pat_str"]
        self.ranks: dict[bytes, int] = state["mergeable_ranks"]
        self.specials: dict[str, int] = state["special_tokens"]
        self.n_vocab = len(self.ranks) + len(self.specials)
        self.tokens = {rank: token for token, rank in self.ranks.items()}
        self.names = {number: name for name, number in self.specials.items()}

    def encode_single_token(self, text: str) -> int:
        return self.specials[text]

    def encode_ordinary(self, text: str) -> list[int]:
        return [self.ranks[bytes([value])] for word in words_of(text, self.pattern) for value in word]

    def encode_ordinary_batch(self, texts: list[str], num_threads: int = 8) -> list[list[int]]:
        return [self.encode_ordinary(text) for text in texts]

    def decode(self, ids: list[int]) -> str:
        if len(ids) == 1 and ids[0] in self.names:
            return self.names[ids[0]]
        return b"".join(self.tokens[one] for one in ids).decode("utf-8", "replace")
