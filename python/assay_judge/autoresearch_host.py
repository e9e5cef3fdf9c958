"""Hosts the model of a train.py of NanoChat Autoresearch for the judge. Sandboxed: it holds the program and the
tokenizer, no text.

    python -P -m assay_judge.autoresearch_host --preload torch --tokenizer <folder> --script train.py

train.py is a script: what it does it does when it is run. Here it runs, unmodified, up to the first batch that it asks
its loader for (autoresearch_prepare.FirstBatch); by then it has built its model. That model gets the state which the
training run left, and answers as a plain module, without torch.compile. The model is the variable that the program gave
to evaluate_bpb, else the one module among its variables whose state has the same names, shapes and types. So an edit
must

- build its final model before the first batch, in a variable of the module or of a function that is then still running;
- give that model to evaluate_bpb at the end, with a state_dict that says all that training changed;
- answer `model(tokens)` with logits over the whole vocabulary, [rows, length, vocabulary].

The processes are those of model_host.py, but for answers: a process that opened a GPU cannot fork, so one loader
answers all requests until the next checkpoint, which starts a new one. What a model learned from what it was shown
would be in its answers, and not in those of the next loader: the judge loads each model twice and compares.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    sys.stderr.write("autoresearch_host: start Python with -I or -P, else the workspace can shadow its modules\n")
    sys.exit(2)

import argparse
import contextlib
import os
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge import protocol
from assay_judge.autoresearch_protocol import REQUEST_LOSSES, REQUEST_TOKEN_LOGITS, payload_size
from assay_judge.model_host import (
    ANSWER,
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    Loader,
    end_loader,
    fork_loader,
    forward_reply,
    set_process_option,
    take_streams,
    tell_error,
)
from assay_judge.preload import clean_import_path, import_modules

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Hosting:
    """What is hosted and how."""

    script: str
    tokenizer: str


def variables_at_first_batch(hosting: Hosting, device: str) -> list[dict[str, Any]]:
    """Runs the program until it asks for a batch; its variables then, the module's first. Raises RuntimeError."""
    from assay_judge import autoresearch_prepare as prepare

    settings = prepare.Settings(tokenizer=hosting.tokenizer, device=device, is_hosting=True)
    prepare.configure(settings, prepare.TIME_BUDGET, prepare.EVAL_TOKENS)
    module = types.ModuleType("__main__")
    module.__file__ = hosting.script
    sys.modules["__main__"] = module
    sys.argv = [hosting.script]
    sys.path.insert(0, os.path.dirname(hosting.script))
    with open(hosting.script, "rb") as file:
        code = compile(file.read(), hosting.script, "exec")
    try:
        exec(code, module.__dict__)
    except prepare.FirstBatch as stop:
        found = [module.__dict__]
        trace = stop.__traceback__
        while trace is not None:
            found.append(trace.tb_frame.f_locals)
            trace = trace.tb_next
        return found
    raise RuntimeError("train.py ended without asking its loader for a batch")


def find_model(variables: list[dict[str, Any]], name: str, state: dict[str, torch.Tensor]) -> torch.nn.Module:
    """The module that the state belongs to. Raises RuntimeError if there is none."""
    import torch

    from assay_judge.autoresearch_prepare import unwrapped

    wanted = {key: (one.shape, one.dtype) for key, one in state.items()}

    def fits(value: Any) -> bool:
        if not isinstance(value, torch.nn.Module):
            return False
        return {key: (one.shape, one.dtype) for key, one in unwrapped(value).state_dict().items()} == wanted

    named = [scope[name] for scope in variables if name in scope and fits(scope[name])]
    others = [value for scope in variables for value in list(scope.values()) if fits(value)]
    for value in [*named, *others]:
        return unwrapped(value)
    raise RuntimeError(
        f"before the first batch no variable of train.py holds a model with the state that was evaluated as '{name}'"
    )


class Hosted:
    """A model that is ready to answer."""

    def __init__(self, hosting: Hosting, checkpoint: str) -> None:
        import torch

        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        document = torch.load(checkpoint, map_location="cpu", weights_only=True)
        self.autocast = str(document["autocast"])
        self.model = find_model(
            variables_at_first_batch(hosting, self.device), str(document["model"]), document["state"]
        )
        self.model.load_state_dict(document["state"], strict=True)
        self.model.train(bool(document["training"]))

    def logits(self, tokens: torch.Tensor) -> torch.Tensor:
        """int64 [R,T] on the device -> float32 [R,T,V]."""
        import torch

        mixed = (
            torch.autocast(self.device, dtype=getattr(torch, self.autocast))
            if self.autocast
            else contextlib.nullcontext()
        )
        with torch.inference_mode(), mixed:
            found = self.model(tokens)
        return found.float()

    def answer(self, kind: int, payload: bytes, rows: int, length: int) -> torch.Tensor:
        """The answer to a request: float32 [R,T,1] or [R,T,V], on the CPU."""
        import torch
        import torch.nn.functional as F

        tokens = torch.frombuffer(bytearray(payload), dtype=torch.int32).view(-1, rows, length)
        tokens = tokens.to(self.device).long()
        with torch.inference_mode():
            logits = self.logits(tokens[0])
            if kind == REQUEST_TOKEN_LOGITS:
                return logits.cpu().contiguous()
            losses = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), tokens[1].reshape(-1), reduction="none")
            return losses.view(rows, length, 1).cpu().contiguous()


def run_loader(ask: int, tell: int, hosting: Hosting, checkpoint: str) -> None:
    """Builds the model and answers until the host closes the stream."""
    try:
        hosted = Hosted(hosting, checkpoint)
    except BaseException as error:
        tell_error(tell, error)
        return
    protocol.write_all(tell, ANSWER.pack(protocol.STATUS_LOADED, 0, 0, 0))
    while header := protocol.read_exactly(ask, protocol.REQUEST_HEADER.size):
        _, kind, _, rows, length = protocol.REQUEST_HEADER.unpack(header)
        payload = protocol.read_exactly(ask, payload_size(kind, rows, length))
        if payload is None:
            return
        try:
            found = hosted.answer(kind, payload, rows, length)
        except BaseException as error:
            tell_error(tell, error)
            continue
        shape = tuple(found.shape) if found.dim() == 3 else (0, 0, 0)
        protocol.write_all(tell, ANSWER.pack(protocol.STATUS_LOGITS, *shape))
        protocol.write_all(tell, memoryview(found.numpy()).cast("B"))


def serve(requests: int, replies: int, hosting: Hosting) -> None:
    """Answers requests until the judge closes the stream."""
    loader: Loader | None = None
    while header := protocol.read_exactly(requests, protocol.REQUEST_HEADER.size):
        magic, kind, request_id, rows, length = protocol.REQUEST_HEADER.unpack(header)
        is_load = kind == protocol.REQUEST_LOAD
        is_known = is_load or (loader is not None and kind in (REQUEST_LOSSES, REQUEST_TOKEN_LOGITS))
        if magic != protocol.REQUEST_MAGIC or not is_known:
            raise SystemExit("autoresearch_host: the stream holds something that is no request")
        payload = protocol.read_exactly(requests, rows if is_load else payload_size(kind, rows, length))
        if payload is None:
            return
        if is_load:
            if loader is not None:
                end_loader(loader)
            loader = fork_loader(
                payload, [requests, replies], lambda ask, tell, path: run_loader(ask, tell, hosting, path)
            )
        elif loader is not None:
            protocol.write_all(loader.ask, header + payload)
        if loader is not None:
            forward_reply(loader, replies, request_id)
    if loader is not None:
        end_loader(loader)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the model of train.py to the judge over pipes.")
    parser.add_argument("--preload", default="torch", help="comma-separated modules to import first")
    parser.add_argument("--tokenizer", required=True, help="folder of tokenizer.pkl")
    parser.add_argument("--script", required=True, help="the candidate's train.py")
    options = parser.parse_args()

    set_process_option(PR_SET_DUMPABLE, 0)
    set_process_option(PR_SET_CHILD_SUBREAPER, 1)
    requests, replies = take_streams()
    clean_import_path(options.script)
    import_modules(options.preload)
    try:
        serve(requests, replies, Hosting(os.path.realpath(options.script), options.tokenizer))
    except (BrokenPipeError, SystemExit) as end:
        sys.stderr.write(f"{end}\n")
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
