"""Starts a program of the NanoGPT Speedrun as it is, and notes what its clock does not see.

    python -m torch.distributed.run ... -m assay_judge.speedrun_launch --note n.json --checkpoint c.pt --seed N
    program.py

One such process for each GPU. What it does, in the first of them:

- `time.perf_counter` is asked for the first time when the program's clock starts (both programs, and no earlier). Then
  all parameters are hashed, states of optimizers are looked at, and the outer clock is read; the program gets its
  own time after that.
- `torch.distributed.destroy_process_group` ends both programs. Then the model's state is written for the judge. A
  program that ends without it is looked at when it has ended.
- Seeds: the program's are mixed with the trial's, as autoresearch_run.py does; torch's own default seed is replaced.

It runs in the candidate's process, which can undo all of it: what it leaves can be checked against the log and the
judge's own validation, and proves nothing alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from typing import Any, NoReturn

from assay_judge.bootstrap import leave_at_once, run
from assay_judge.preload import clean_import_path


def unwrapped(module: Any) -> Any:
    """The module below torch.compile and wrappers for several GPUs."""
    while True:
        inner = getattr(module, "_orig_mod", None)
        if inner is None:
            return module
        module = inner


def state_hash(state: dict[str, Any]) -> str:
    """SHA-256 over names, types and bytes of tensors."""
    import torch

    digest = hashlib.sha256()
    for name, one in sorted(state.items()):
        digest.update(f"{name} {one.dtype} {tuple(one.shape)}\n".encode())
        digest.update(one.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


class Watch:
    """What is noted of one run."""

    def __init__(self, note: str, checkpoint: str) -> None:
        self.note_path = note
        self.checkpoint = checkpoint
        self.facts: dict[str, Any] = {"launched": time.monotonic()}
        self.program: dict[str, Any] | None = None
        self.is_saved = False
        self._perf_counter = time.perf_counter

    def install(self) -> None:
        """From here on the program's own calls are seen."""
        import torch.distributed

        destroy = torch.distributed.destroy_process_group

        def perf_counter() -> float:
            if self.program is None:
                frame = sys._getframe(1)
                if frame.f_globals.get("__name__") == "__main__":
                    self.clock_starts(frame.f_globals)
            return self._perf_counter()

        def destroy_process_group(*arguments: Any, **options: Any) -> Any:
            self.ends()
            return destroy(*arguments, **options)

        time.perf_counter = perf_counter
        torch.distributed.destroy_process_group = destroy_process_group

    def models(self) -> list[Any]:
        """The program's modules, the largest first."""
        import torch

        values = list((self.program or {}).values())
        found = {id(unwrapped(one)): unwrapped(one) for one in values if isinstance(one, torch.nn.Module)}
        return sorted(found.values(), key=lambda one: -sum(each.numel() for each in one.parameters()))

    def clock_starts(self, variables: dict[str, Any]) -> None:
        """Hashes parameters and looks at optimizers."""
        import torch

        self.program = variables
        self.facts["clock_started"] = time.monotonic()
        models = self.models()
        if models:
            self.facts["parameters_at_start"] = state_hash(models[0].state_dict())
        optimizers = [one for one in list(variables.values()) if isinstance(one, torch.optim.Optimizer)]
        tensors = [
            value
            for optimizer in optimizers
            for each in optimizer.state.values()
            for value in each.values()
            if isinstance(value, torch.Tensor)
        ]
        self.facts["optimizer_tensors_at_start"] = sum(bool(one.count_nonzero()) for one in tensors)
        self.facts["hashing_seconds"] = time.monotonic() - self.facts["clock_started"]

    def ends(self) -> None:
        """Leaves the model's state and what was noted, once."""
        if self.is_saved or self.program is None:
            return
        import torch

        self.is_saved = True
        self.facts["ended"] = time.monotonic()
        models = self.models()
        if models:
            state = {name: one.detach().cpu() for name, one in models[0].state_dict().items()}
            self.facts["parameters_at_end"] = state_hash(state)
            torch.save(state, f"{self.checkpoint}.tmp")
            os.replace(f"{self.checkpoint}.tmp", self.checkpoint)
        with open(f"{self.note_path}.tmp", "w") as file:
            json.dump(self.facts, file)
        os.replace(f"{self.note_path}.tmp", self.note_path)


def main() -> NoReturn:
    parser = argparse.ArgumentParser(description="Run a program of the speedrun and note what its clock does not see.")
    parser.add_argument("--note", required=True)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    watch = Watch(options.note, options.checkpoint)
    script = os.path.realpath(options.script)
    clean_import_path(script)
    import torch  # noqa: F401

    from assay_judge.autoresearch_run import take_seeds

    take_seeds(options.seed)
    if os.environ.get("RANK", "0") == "0":
        watch.install()
    sys.argv = [options.script, *options.arguments]
    sys.path.insert(0, os.path.dirname(script))
    code = run(script)
    if code == 0:
        watch.ends()
    leave_at_once(code)


if __name__ == "__main__":
    main()
