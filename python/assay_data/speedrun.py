"""Data as KellerJordan/modded-nanogpt at f411b3d reads them (its data/fineweb10B): shards of GPT-2 tokens."""

from typing import Any

from assay_data import gpt2, token_shard
from assay_data.byte_pairs import GPT2_PATTERN
from assay_data.documents import Documents
from assay_data.workers import Encoders
from assay_data.written import OWN_TEXT, Written

# Shards that each track's README has one fetch. The adapter keeps the last from training, for the judge alone.
FETCHED = {1: 9, 3: 20}
VALIDATION_TOKENS = 10_485_760
# What the unmodified programs train on, reading the shards once.
TRAINING_TOKENS = {1: 338_800_000, 3: 3250 * 524_288}
# Of track 3. A shard with fewer tokens than a batch and one is passed over.
BATCH_TOKENS = 524_288


def make(documents: Documents, written: Written, track: int, merges: bytes, table: bytes | None) -> dict[str, Any]:
    """@param merges, table: the content of vocab.bpe and encoder.json."""
    hidden_number = FETCHED[track]
    deviations = [OWN_TEXT]
    tokens: dict[str, int] = {}
    with Encoders(gpt2.read_merges(merges), GPT2_PATTERN, gpt2.printable_bytes()) as encoders:
        stream = token_shard.stream(encoders.encode(documents.texts["training"]))
        tokens["training"] = len(stream)
        # As many as the adapter asks for, of upstream's size at most.
        size = min(token_shard.SHARD_TOKENS, -(-len(stream) // (hidden_number - 1)))
        starts = range(0, len(stream), size)
        numbers = [number for number in range(1, len(starts) + 2) if number != hidden_number]
        for number, start in zip(numbers, starts, strict=False):
            part = stream[start : start + size]
            written.file(train_name(number), lambda target, part=part: token_shard.write(target, part))
        if len(stream) < TRAINING_TOKENS[track]:
            deviations.append(
                f"the training shards have {len(stream)} tokens; the unmodified program reads "
                f"{TRAINING_TOKENS[track]} and stops on fewer"
            )
        if size <= BATCH_TOKENS:
            deviations.append(f"a training shard has {size} tokens, less than a batch of {BATCH_TOKENS}")
        for name, place in (("held-out", "fineweb_val_000000.bin"), ("hidden", train_name(hidden_number))):
            part = token_shard.stream(encoders.encode(documents.texts[name]))
            tokens[name] = len(part)
            written.file(place, lambda target, part=part: token_shard.write(target, part))
            # The loaders want one token after the last target, and one more.
            if len(part) < VALIDATION_TOKENS + 2:
                deviations.append(
                    f"the {name} shard has {len(part)} tokens; upstream scores {VALIDATION_TOKENS} and stops on fewer"
                )
    if table is not None:
        # Named as tiktoken looks for them below TIKTOKEN_CACHE_DIR: train_gpt.py asks it for the tokenizer.
        written.file(f"tiktoken/{gpt2.MERGES[2]}", lambda target: target.write(merges))
        written.file(f"tiktoken/{gpt2.TABLE[2]}", lambda target: target.write(table))
    return {
        "vocabulary": gpt2.END_OF_TEXT + 1,
        "tokens": tokens,
        "shards": {"training": len(starts), "held-out": "fineweb_val_000000.bin", "hidden": train_name(hidden_number)},
        "deviations": deviations,
    }


def train_name(number: int) -> str:
    return f"fineweb_train_{number:06d}.bin"
