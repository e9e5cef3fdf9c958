"""Runs a train.py of NanoChat Autoresearch with our `prepare` in place of upstream's. The program itself is not
changed.

    python -P -m assay_judge.autoresearch_run --data <shards> --tokenizer <folder> --checkpoint <file> --seed N train.py

Does what bootstrap.py does (clean import path, imports, clock), puts autoresearch_prepare.py in the place of `prepare`,
and gives the program the trial's seed: what it asks of `torch.manual_seed` is mixed with that. A number in the
program's text is then no lucky draw, and runs of the unmodified program, which always says 42, differ as runs should.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    sys.stderr.write("autoresearch_run: start Python with -I or -P, else the workspace can shadow its modules\n")
    sys.exit(2)

import argparse
import functools
import hashlib
import os
from collections.abc import Callable
from typing import Any, NoReturn

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge.autoresearch_rows import EVAL_TOKENS, TIME_BUDGET
from assay_judge.bootstrap import leave_at_once, run, signal_ready
from assay_judge.preload import clean_import_path, import_modules


def mixed_seed(trial: int, asked: int) -> int:
    """A seed that depends on both, in 63 bits."""
    return int.from_bytes(hashlib.sha256(f"{trial}:{asked}".encode()).digest()[:8], "little") >> 1


def take_seeds(trial: int) -> None:
    """From here on each seed that is asked for is mixed with the trial's."""
    import torch

    def wrap(original: Callable[[int], Any]) -> Callable[[int], Any]:
        @functools.wraps(original)
        def seeded(seed: int) -> Any:
            return original(mixed_seed(trial, int(seed)))

        return seeded

    plain = torch.manual_seed
    torch.manual_seed = torch.random.manual_seed = wrap(plain)
    torch.cuda.manual_seed = wrap(torch.cuda.manual_seed)
    torch.cuda.manual_seed_all = wrap(torch.cuda.manual_seed_all)
    plain(mixed_seed(trial, 0))


def main() -> NoReturn:
    parser = argparse.ArgumentParser(description="Run train.py with our prepare.")
    parser.add_argument("--preload", default="torch", help="comma-separated modules to import first")
    parser.add_argument("--data", required=True, help="folder of the shards")
    parser.add_argument("--tokenizer", required=True, help="folder of tokenizer.pkl and token_bytes.pt")
    parser.add_argument("--checkpoint", required=True, help="where the final model's state goes")
    parser.add_argument("--time-budget", type=float, default=TIME_BUDGET, help="seconds that prepare.TIME_BUDGET says")
    parser.add_argument("--eval-tokens", type=int, default=EVAL_TOKENS, help="what prepare.EVAL_TOKENS says")
    parser.add_argument("--seed", type=int, required=True, help="of the trial")
    parser.add_argument("script")
    options = parser.parse_args()

    script = os.path.realpath(options.script)
    clean_import_path(script)
    import_modules(options.preload)
    import torch

    from assay_judge import autoresearch_prepare as prepare

    device = "cuda" if torch.cuda.is_available() else "cpu"
    settings = prepare.Settings(options.data, options.tokenizer, options.checkpoint, device)
    prepare.configure(settings, options.time_budget, options.eval_tokens)
    take_seeds(options.seed)

    sys.argv = [script]
    sys.path.insert(0, os.path.dirname(script))
    signal_ready()
    leave_at_once(run(script))


if __name__ == "__main__":
    main()
