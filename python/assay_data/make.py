"""Own text as the data of a benchmark.

    make.py autoresearch|speedrun --out FOLDER [--held-out 0.05] [--hidden 0.05] [--track 1] [--gpt2 FOLDER]... TEXT...

FOLDER becomes what upstream reads: `~/.cache/autoresearch`, or `data/fineweb10B`. One shard is upstream's validation
shard; another, named as the adapters expect it, is kept from training for the judge alone. `data.json` has counts,
digests, and the deviations from upstream that belong into every result. Same text and options, same bytes.
"""

import argparse
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from assay_data import autoresearch, gpt2, speedrun
from assay_data.documents import collect
from assay_data.written import Written

# Exit codes that Assay has words for.
TOO_LITTLE, MISSING_TORCH, MISSING_MERGES = 3, 6, 8


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("benchmark", choices=["autoresearch", "speedrun"])
    parser.add_argument("--out", required=True)
    parser.add_argument("--held-out", type=float, default=0.05)
    parser.add_argument("--hidden", type=float, default=0.05)
    parser.add_argument("--tokenizer-characters", type=int, default=autoresearch.TOKENIZER_CHARACTERS)
    parser.add_argument("--track", type=int, choices=sorted(speedrun.FETCHED), default=1)
    parser.add_argument("--gpt2", action="append", default=[])
    parser.add_argument("text", nargs="+")
    given = parser.parse_args()
    merges = gpt2.find(given.gpt2, gpt2.MERGES)
    if given.benchmark == "speedrun" and merges is None:
        print(f"GPT-2's merges ({gpt2.MERGES[0]}, SHA-256 {gpt2.MERGES[1]}) are not here", file=sys.stderr)
        return MISSING_MERGES
    if given.benchmark == "autoresearch":
        try:
            import torch  # noqa: F401
        except ImportError:
            print("token_bytes.pt is written by torch, and this Python has none", file=sys.stderr)
            return MISSING_TORCH
    documents = collect(given.text, given.held_out, given.hidden)
    few = {name: len(texts) for name, texts in documents.texts.items() if len(texts) < 2}
    if few:
        print(f"too little text: {few}, and each part needs two documents or more", file=sys.stderr)
        return TOO_LITTLE
    written = Written(given.out)
    if merges is not None and given.benchmark == "speedrun":
        facts = speedrun.make(documents, written, given.track, merges, gpt2.find(given.gpt2, gpt2.TABLE))
    else:
        facts = autoresearch.make(documents, written, given.tokenizer_characters)
    document = {
        "schema": "assay.data.v1",
        "benchmark": given.benchmark,
        "split": {"by": "SHA-256 of the document", "heldOut": given.held_out, "hidden": given.hidden},
        "documents": {name: len(texts) for name, texts in documents.texts.items()},
        "characters": {name: sum(map(len, texts)) for name, texts in documents.texts.items()},
        "leftOut": {
            "duplicates": documents.duplicates,
            "notText": documents.not_text,
            "tooShort": documents.too_short,
        },
        **facts,
        "files": written.digests,
    }
    written.file("data.json", lambda target: target.write((json.dumps(document, indent=2) + "\n").encode()))
    print(json.dumps(document))
    return 0


if __name__ == "__main__":
    sys.exit(main())
