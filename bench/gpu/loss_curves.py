"""Bits per byte of every snapshot of speedrun runs, fast: one process, no judge, no sandbox. For calibration only.

    python bench/gpu/loss_curves.py <workspace> <heldout.bin> --bytes 131072 --context 256

Reads requests from standard input, a line of JSON each: `folder` of the snapshots and `above`. Goes back from the last
one and stops at the first that needs more bits than that. Answers with a line of JSON: bits per byte in the order of
the folders' names, null for those that were not looked at. The official score is assay_judge/speedrun_score.py, which
must agree.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

ROWS = 128


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--bytes", type=int, required=True)
    parser.add_argument("--context", type=int, required=True)
    options = parser.parse_args()
    for name in ("normal_", "uniform_", "kaiming_uniform_"):
        # Every weight comes from the snapshot: to draw it before takes longer than to score it.
        setattr(torch.nn.init, name, lambda tensor, *_, **__: tensor)
    sys.path.insert(0, str(options.workspace))
    spec = importlib.util.spec_from_file_location("candidate", options.workspace / "train.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = torch.from_numpy(np.fromfile(options.text, dtype=np.uint8, count=options.bytes + 1)).long()
    inputs, targets = text[:-1].view(-1, options.context), text[1:].view(-1, options.context)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        begin = time.monotonic()
        request = json.loads(line)
        folders = sorted(path for path in Path(request["folder"]).iterdir() if path.is_dir())
        bits: list[float | None] = [None] * len(folders)
        for place in reversed(range(len(folders))):
            found = score(module.load_model(str(folders[place] / "checkpoint.pt")), inputs, targets)
            bits[place] = found
            if found > request["above"]:
                break
        print(json.dumps({"bits": bits, "seconds": round(time.monotonic() - begin, 3)}), flush=True)
    return 0


@torch.inference_mode()
def score(model, inputs: torch.Tensor, targets: torch.Tensor) -> float:
    """Bits per byte. inputs, targets: int64 [N,T]."""
    total = 0.0
    for rows, wanted in zip(inputs.split(ROWS), targets.split(ROWS), strict=True):
        total += cross_entropy(model(rows).flatten(0, 1), wanted.flatten(), reduction="sum").item()
    return total / targets.numel() / math.log(2)


if __name__ == "__main__":
    sys.exit(main())
