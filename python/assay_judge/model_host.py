"""Runs a candidate's model for the judge. Sandboxed: it holds train.py, no held-out text, no file of the training run.

    python -I <folder>/assay_judge/model_host.py --preload torch,numpy --script train.py

Three kinds of process, so that nothing of the candidate stands between the judge and what it measures:

- the **host** (this program) owns both pipes to the judge. It never runs code of the candidate and cannot be traced
  or read by it. It receives the checkpoint, forwards requests and replies, and adds up the CPU time and the processes
  of all that it started;
- the **loader**, forked from it after the preload, imports train.py and calls `load_model`. It holds no pipe of the
  judge's. Candidate code runs from here on;
- an **answerer**, forked from the loader for each request, so a model cannot carry in memory what it saw in one
  request into the next (no learning from the text that it is scored on). --in-process turns that off; it is for
  platforms where a fork of a process with threads hangs, and a result must then say so.

On a GPU the same holds: `load_model` reads the checkpoint on the CPU, and what it returns may move to the GPU when it
is called, in the answerer. A loader that opened a GPU could not fork anyway; the host counts the device files it holds.

A second checkpoint ends the loader and all below it, and starts a new one.

Requests come on the first standard input, replies go to the first standard output (see protocol.py). What the
candidate prints goes to standard error.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    sys.stderr.write("model_host: start Python with -I or -P, else the workspace can shadow its modules\n")
    sys.exit(2)

import argparse
import ctypes
import importlib.util
import os
import select
import signal
import struct
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge import protocol
from assay_judge.preload import clean_import_path, import_modules

if TYPE_CHECKING:
    import numpy as np

Model = Callable[[bytes, int, int], "np.ndarray"]
"""From the text of a request, its rows and its length to float32 logits, [rows, length, 256] if all is well."""

ANSWER = struct.Struct("<BIII")
"""What a loader or an answerer tells the host first: status, rows, length, vocabulary. The payload follows."""

CHECKPOINT_NAME = "checkpoint.pt"
DEVICE_PREFIXES = ("/dev/nvidia", "/dev/kfd", "/dev/dri/")
"""Files of accelerators."""
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
TICKS = os.sysconf("SC_CLK_TCK")


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


def set_process_option(option: int, value: int) -> None:
    """prctl(2) with one argument."""
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def load(script: str, checkpoint: str) -> Model:
    """Imports the candidate's script as a module and calls its `load_model`. Candidate code runs from here on."""
    import torch

    # One thread until the fork: a pool of threads does not survive it.
    torch.set_num_threads(1)
    sys.path.insert(0, os.path.dirname(os.path.realpath(script)))
    spec = importlib.util.spec_from_file_location("candidate", script)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{script} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules["candidate"] = module
    spec.loader.exec_module(module)
    model = module.load_model(checkpoint)

    def answer(text: bytes, rows: int, length: int) -> np.ndarray:
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
        tokens = torch.frombuffer(bytearray(text), dtype=torch.uint8).view(rows, length).long()
        with torch.inference_mode():
            logits = model(tokens).to("cpu", torch.float32).contiguous()
        return logits.numpy()

    return answer


def tell_error(tell: int, error: BaseException) -> None:
    """Tells the last part of a traceback."""
    lines = traceback.format_exception(error)
    text = "".join(lines).encode(errors="replace")[-protocol.MAX_ERROR_BYTES :]
    protocol.write_all(tell, ANSWER.pack(protocol.STATUS_ERROR, len(text), 0, 0) + text)


def run_loader(ask: int, tell: int, start: Callable[[], Model], in_process: bool) -> None:
    """Loads the model and answers what the host asks until it closes the stream."""
    try:
        model = start()
    except Exception as error:
        tell_error(tell, error)
        return
    protocol.write_all(tell, ANSWER.pack(protocol.STATUS_LOADED, 0, 0, 0))
    while header := protocol.read_exactly(ask, protocol.REQUEST_HEADER.size):
        _, _, _, rows, length = protocol.REQUEST_HEADER.unpack(header)
        text = protocol.read_exactly(ask, rows * length)
        if text is None:
            return
        if in_process:
            answer(model, tell, text, rows, length)
            continue
        child = os.fork()
        if child == 0:
            code = 1
            try:
                answer(model, tell, text, rows, length)
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if status != 0:
            sys.stderr.write(f"model_host: the model's process ended with status {status}\n")
            return


def answer(model: Model, tell: int, text: bytes, rows: int, length: int) -> None:
    """Computes and tells the logits of one request."""
    try:
        logits = model(text, rows, length)
    except Exception as error:
        tell_error(tell, error)
        return
    # Another shape is the judge's to refuse; its header says which it was.
    shape = logits.shape if logits.ndim == 3 else (0, 0, 0)
    protocol.write_all(tell, ANSWER.pack(protocol.STATUS_LOGITS, *shape))
    protocol.write_all(tell, memoryview(logits).cast("B"))


@dataclass
class Loader:
    """The host's ends of the pipes to a loader."""

    pid: int
    ask: int
    tell: int


def fork_loader(checkpoint: bytes, not_for_it: list[int], run: Callable[[int, int, str], None]) -> Loader:
    """Starts the process in which candidate code runs. `not_for_it`: descriptors that it must not have. `run`: what it
    does, with the descriptors of requests and replies and the path of the checkpoint."""
    folder = tempfile.mkdtemp(prefix="assay-")
    path = os.path.join(folder, CHECKPOINT_NAME)
    with open(path, "wb") as file:
        file.write(checkpoint)
    ask, tell = os.pipe(), os.pipe()
    for descriptor in (ask[0], tell[0]):
        protocol.grow_pipe(descriptor)
    pid = os.fork()
    if pid == 0:
        for descriptor in (*not_for_it, ask[1], tell[0]):
            os.close(descriptor)
        set_process_option(PR_SET_DUMPABLE, 1)
        try:
            run(ask[0], tell[1], path)
            sys.stderr.flush()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(ask[0])
    os.close(tell[1])
    return Loader(pid, ask[1], tell[0])


def end_loader(loader: Loader) -> None:
    """Ends a loader and all that it started, so that nothing of it is left when the next checkpoint is loaded."""
    os.close(loader.ask)
    os.close(loader.tell)
    while children := children_of(os.getpid()):
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        reap_orphans()
        time.sleep(0.001)


def children_of(pid: int) -> list[int]:
    """Its children and theirs, as far as the kernel says so. Raises OSError for a kernel that does not."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        try:
            threads = os.listdir(f"/proc/{parent}/task")
        except FileNotFoundError:
            continue
        for thread in threads:
            try:
                with open(f"/proc/{parent}/task/{thread}/children", "rb") as file:
                    children = [int(text) for text in file.read().split()]
            except (FileNotFoundError, ProcessLookupError):
                if parent == pid:
                    raise
                continue
            found += children
            waiting += children
    return found


def cpu_seconds_of(pid: int) -> tuple[float, float]:
    """CPU time of a process, and of those of its children that it has waited for."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0, 0.0
    own, waited_for = sum(map(int, fields[11:13])) / TICKS, sum(map(int, fields[13:15])) / TICKS
    try:
        # The process's own CPU clock, finer than ticks (the number that clock_getcpuclockid(3) gives).
        own = time.clock_gettime((~pid << 3) | 2)
    except OSError:
        pass
    return own, waited_for


def reap_orphans() -> None:
    """Waits for those that have ended; their CPU time then counts as that of waited-for children."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def has_ended(pid: int) -> bool:
    """Whether nothing of a process is left but its exit status."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except (FileNotFoundError, ProcessLookupError):
        return True


def devices_of(pid: int) -> int:
    """Accelerator device files that a process has open or mapped."""
    found = set()
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            found.add(os.readlink(f"/proc/{pid}/fd/{name}"))
        with open(f"/proc/{pid}/maps", "rb") as file:
            found.update(line.split(None, 5)[5].strip().decode() for line in file if b"/dev/" in line)
    except (FileNotFoundError, ProcessLookupError):
        pass
    except PermissionError:
        # A process that has ended has no descriptors and shows none. One that lives and hides them ends the trial.
        if not has_ended(pid):
            raise
    return sum(path.startswith(DEVICE_PREFIXES) for path in found)


def cost_of(loader: Loader) -> tuple[int, int, int, int, int]:
    """Microseconds of CPU time so far, of all and of the loader alone; the loader's processes, threads, devices now."""
    reap_orphans()
    processes = children_of(os.getpid())
    ended = os.times()
    seconds = ended.children_user + ended.children_system + sum(sum(cpu_seconds_of(pid)) for pid in processes)
    try:
        threads = len(os.listdir(f"/proc/{loader.pid}/task"))
    except FileNotFoundError:
        threads = 0
    own_seconds = cpu_seconds_of(loader.pid)[0]
    return int(seconds * 1e6), int(own_seconds * 1e6), len(processes), threads, devices_of(loader.pid)


def forward_reply(loader: Loader, replies: int, request_id: int) -> None:
    """One reply from the loader to the judge, with the cost so far in its header."""
    header = protocol.read_exactly(loader.tell, ANSWER.size)
    if header is None:
        words = b"the model's process ended before it had answered"
        head = (protocol.REPLY_MAGIC, request_id, protocol.STATUS_ERROR, len(words), 0, 0)
        protocol.write_all(replies, protocol.REPLY_HEADER.pack(*head, *cost_of(loader)) + words)
        return
    status, rows, length, vocabulary = ANSWER.unpack(header)
    shape = (rows, length, vocabulary)
    protocol.write_all(
        replies, protocol.REPLY_HEADER.pack(protocol.REPLY_MAGIC, request_id, status, *shape, *cost_of(loader))
    )
    if status == protocol.STATUS_LOGITS:
        size = rows * length * vocabulary * protocol.LOGITS_DTYPE.itemsize
    else:
        size = min(rows, protocol.MAX_ERROR_BYTES)
    while size:
        moved = os.splice(loader.tell, replies, min(size, protocol.PIPE_BYTES))
        if moved == 0:
            raise SystemExit("model_host: the candidate's process ended within an answer")
        size -= moved


def serve(requests: int, replies: int, script: str, in_process: bool) -> None:
    """Answers requests until the judge closes the stream."""
    loader: Loader | None = None
    while header := protocol.read_exactly(requests, protocol.REQUEST_HEADER.size):
        magic, kind, request_id, rows, length = protocol.REQUEST_HEADER.unpack(header)
        is_load = kind == protocol.REQUEST_LOAD
        if magic != protocol.REQUEST_MAGIC or (loader is None and not is_load):
            raise SystemExit("model_host: the stream holds something that is no request")
        if not is_load and (rows > protocol.MAX_ROWS or length > protocol.MAX_LENGTH):
            raise SystemExit("model_host: the stream asks for too much")
        payload = protocol.read_exactly(requests, rows if is_load else rows * length)
        if payload is None:
            return
        if is_load and loader is not None:
            end_loader(loader)
            loader = None
        if loader is None:
            loader = fork_loader(
                payload,
                [requests, replies],
                lambda ask, tell, path: run_loader(ask, tell, lambda: load(script, path), in_process),
            )
        else:
            if select.select([loader.tell], [], [], 0)[0]:
                raise SystemExit("model_host: the candidate's process ended, or sent more than it was asked for")
            protocol.write_all(loader.ask, header + payload)
        forward_reply(loader, replies, request_id)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a candidate's model to the judge over pipes.")
    parser.add_argument("--preload", default="", help="comma-separated modules to import first")
    parser.add_argument("--script", required=True, help="the candidate's train.py")
    parser.add_argument("--in-process", action="store_true", help="answer without a fork for each request")
    options = parser.parse_args()

    # No process of the same user may trace this one or open its descriptors.
    set_process_option(PR_SET_DUMPABLE, 0)
    # Processes of the candidate whose parents have ended stay below this one, so they are counted.
    set_process_option(PR_SET_CHILD_SUBREAPER, 1)
    requests, replies = take_streams()
    clean_import_path(options.script)
    import_modules(options.preload)
    try:
        serve(requests, replies, options.script, options.in_process)
    except (BrokenPipeError, SystemExit) as end:
        sys.stderr.write(f"{end}\n")
    sys.stderr.flush()
    os._exit(0)  # taking torch apart would cost half a second


if __name__ == "__main__":
    main()
