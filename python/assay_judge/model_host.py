"""Runs a candidate's model for the judge. Sandboxed: it holds train.py and a checkpoint, no held-out text.

    python -I <folder>/assay_judge/model_host.py --preload torch,numpy --script train.py --checkpoint checkpoint.pt

Requests come on the first standard input, replies go to the first standard output (see protocol.py). Both are
moved to private descriptors before candidate code is imported: what the candidate prints goes to standard error.

Each request is answered by a fork of the process that loaded the model, so a model cannot carry in memory what
it saw in one request into the next (no learning from the text that it is scored on). --in-process turns that
off; it is for platforms where a fork of a process with threads hangs, and a result must then say so.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    sys.stderr.write("model_host: start Python with -I or -P, else the workspace can shadow its modules\n")
    sys.exit(2)

import argparse
import importlib.util
import os
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge import protocol
from assay_judge.preload import clean_import_path, import_modules

if TYPE_CHECKING:
    import numpy as np

Model = Callable[[bytes, int, int], "np.ndarray"]
"""From the text of a request, its rows and its length to float32 logits, [rows, length, 256] if all is well."""


def take_streams() -> tuple[int, int]:
    """Moves standard input and output to private descriptors, then points 0 at nothing and 1 at 2."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    protocol.grow_pipe(requests)
    protocol.grow_pipe(replies)
    return requests, replies


def load(script: str, checkpoint: str) -> Model:
    """Imports the candidate's script as a module and calls its `load_model`. Candidate code runs from here on."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    sys.path.insert(0, os.path.dirname(os.path.realpath(script)))
    spec = importlib.util.spec_from_file_location("candidate", script)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{script} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules["candidate"] = module
    spec.loader.exec_module(module)
    model = module.load_model(checkpoint)

    def answer(text: bytes, rows: int, length: int) -> np.ndarray:
        tokens = torch.frombuffer(bytearray(text), dtype=torch.uint8).view(rows, length).long()
        with torch.inference_mode():
            logits = model(tokens).to(torch.float32).contiguous()
        return logits.numpy()

    return answer


def send_error(replies: int, request_id: int, error: BaseException) -> None:
    """Replies with the last part of a traceback."""
    lines = traceback.format_exception(error)
    text = "".join(lines).encode(errors="replace")[-protocol.MAX_ERROR_BYTES :]
    header = protocol.REPLY_HEADER.pack(protocol.REPLY_MAGIC, request_id, protocol.STATUS_ERROR, len(text), 0, 0)
    protocol.write_all(replies, header + text)


def reply(model: Model, replies: int, text: bytes, request: tuple[int, int, int]) -> None:
    """Computes and sends the logits of one request (id, rows, length)."""
    request_id, rows, length = request
    try:
        logits = model(text, rows, length)
    except Exception as error:
        send_error(replies, request_id, error)
        return
    # Another shape is the judge's to refuse; its header says which it was.
    shape = logits.shape if logits.ndim == 3 else (0, 0, 0)
    status = protocol.STATUS_LOGITS
    protocol.write_all(replies, protocol.REPLY_HEADER.pack(protocol.REPLY_MAGIC, request_id, status, *shape))
    protocol.write_all(replies, logits.tobytes())


def serve(requests: int, replies: int, start: Callable[[], Model], in_process: bool) -> None:
    """Answers requests until the judge closes the stream. A model that cannot be loaded fails the first one."""
    model: Model | None = None
    failure: BaseException | None = None
    try:
        model = start()
    except Exception as error:
        failure = error
    while header := protocol.read_exactly(requests, protocol.REQUEST_HEADER.size):
        magic, request_id, rows, length = protocol.REQUEST_HEADER.unpack(header)
        if magic != protocol.REQUEST_MAGIC or rows > protocol.MAX_ROWS or length > protocol.MAX_LENGTH:
            raise SystemExit("model_host: the stream holds something that is no request")
        text = protocol.read_exactly(requests, rows * length)
        if text is None:
            return
        if model is None:
            send_error(replies, request_id, failure or RuntimeError("no model"))
        elif in_process:
            reply(model, replies, text, (request_id, rows, length))
        else:
            reply_from_fork(model, replies, text, (request_id, rows, length))


def reply_from_fork(model: Model, replies: int, text: bytes, request: tuple[int, int, int]) -> None:
    """`reply` in a child process that ends with it. A child that dies says nothing: then this process ends."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            reply(model, replies, text, request)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise SystemExit(f"model_host: the model's process ended with status {status}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a candidate's model to the judge over pipes.")
    parser.add_argument("--preload", default="", help="comma-separated modules to import first")
    parser.add_argument("--script", required=True, help="the candidate's train.py")
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--in-process", action="store_true", help="answer without a fork for each request")
    options = parser.parse_args()

    requests, replies = take_streams()
    clean_import_path(options.script)
    import_modules(options.preload)
    serve(requests, replies, lambda: load(options.script, options.checkpoint), options.in_process)
    sys.stderr.flush()
    os._exit(0)  # taking torch apart would cost half a second


if __name__ == "__main__":
    main()
