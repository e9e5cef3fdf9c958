"""Runs a candidate's GPU kernels for the judge. Sandboxed: it holds the solution and what lies in the exchange.

    python -P -m assay_judge.gpu_kernel_host --solution solution.json --exchange <folder> --device cuda

Requests come on the first standard input, replies go to the first standard output (gpu_kernel_protocol.py). Candidate
code runs in this process from LOAD on: what it says after that is a claim.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    sys.stderr.write("gpu_kernel_host: start Python with -I or -P, else the workspace can shadow its modules\n")
    sys.exit(2)

import argparse
import hashlib
import importlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge import gpu_kernel_protocol as protocol
from assay_judge.gpu_kernel_reference import as_list
from assay_judge.gpu_kernel_schema import CPP_LANGUAGES, Solution, load_solution
from assay_judge.gpu_kernel_sets import AreaFile, Sets, bits_of, burst
from assay_judge.gpu_kernel_share import Share, open_share
from assay_judge.gpu_kernel_spans import Spans
from assay_judge.gpu_kernel_state import GlobalState
from assay_judge.kernel_host import read_exactly, take_streams, write_all

PACKAGE = "assay_solution"


class Host:
    def __init__(self, solution: Path, exchange: Path, device: str, scratch: Path, spans: Path | None = None) -> None:
        self._solution_path = solution
        self._exchange = exchange
        self._device = device
        self._scratch = scratch
        self._solution: Solution | None = None
        self._function: Callable | None = None
        self._area: AreaFile | None = None
        self._share: Share | None = None
        self._is_shared = False
        self._state: GlobalState | None = None
        self._spans_library = spans
        self._spans: Spans | None = None
        self._not_built: Exception | None = None
        self._sets: Sets | None = None
        self._described: tuple[list, list] = ([], [])
        self._bases: list[dict] = []
        self._arguments: list[tuple] = []

    def answer(self, operation: int, content: dict) -> dict:
        if operation == protocol.GO:
            return self._go(content["order"], bool(content.get("spans")))
        if operation == protocol.SAMPLE:
            return {"bits": [bits_of(self._sets.outputs[one][output], places) for one, output, places in content["at"]]}
        if operation == protocol.OPEN:
            return self._open(content.get("share"))
        if operation == protocol.LOAD:
            return self._load()
        if operation == protocol.SHAPE:
            return self._shape(content)
        if operation == protocol.LAY:
            return self._lay(content["bases"])
        if operation == protocol.SET_UP:
            return self._set_up(content)
        return self._take(content["items"]) if operation == protocol.TAKE else {}

    def build(self) -> None:
        """Compiles what has to be compiled, before anything is measured. Nothing of the candidate's runs.

        What does not compile is told when it is to be loaded.
        """
        try:
            solution = load_solution(self._solution_path)
            if solution.language not in CPP_LANGUAGES:
                return
            from torch.utils import cpp_extension

            # What is loaded runs its constructors: that waits until it is asked for.
            name = "_import_module_from_library"
            kept = getattr(cpp_extension, name)
            setattr(cpp_extension, name, lambda *_: None)
            try:
                self._compile(solution, self._write_sources(solution))
            finally:
                setattr(cpp_extension, name, kept)
        except Exception as error:
            self._not_built = error

    def _open(self, share: dict | None) -> dict:
        self._area = AreaFile(str(self._exchange / protocol.AREA_FILE))
        torch.zeros(1, device=self._device)
        self._state = GlobalState(self._device)
        reply: dict = {"torch": torch.__version__, "saw": None, "spans": False}
        if self._spans_library is not None:
            # Its thread is there before threads are counted.
            try:
                self._spans = Spans(self._spans_library)
                reply["spans"] = self._spans.start() == 0 and self._spans.stop()["error"] == 0
            except OSError as error:
                reply["no_spans"] = str(error)[:200]
        if share is not None:
            try:
                self._share = open_share(share, self._device)
                seen = self._share.tensor[: protocol.GREETING].cpu()
                self._share.tensor[protocol.GREETING : 2 * protocol.GREETING] = seen.flip(0).to(self._device)
                if self._device.startswith("cuda"):
                    torch.cuda.synchronize()
                reply["saw"] = bytes(seen.tolist()).hex()
            except (RuntimeError, OSError, ValueError, KeyError, AttributeError) as error:
                reply["no_share"] = f"{type(error).__name__}: {error}"[:300]
        return reply

    def _set_up(self, content: dict) -> dict:
        changed = self._state.restore() if self._state is not None else []
        if self._is_shared:
            self._sets.view(content["shifts"], content["scalars"])
        else:
            self._sets.set_up(self._bases, content["sets"])
        self._arguments = [
            (*inputs.values(), *outputs) for inputs, outputs in zip(self._sets.inputs, self._sets.outputs, strict=True)
        ]
        return {"changed": changed}

    def _write_sources(self, solution: Solution) -> Path:
        folder = self._scratch / PACKAGE
        folder.mkdir(exist_ok=True)
        for name, text in solution.sources.items():
            (folder / name).write_text(text)
        return folder

    def _load(self) -> dict:
        solution = load_solution(self._solution_path)
        folder = self._write_sources(solution)
        digest = hashlib.sha256(json.dumps(solution.sources, sort_keys=True).encode()).hexdigest()
        if solution.language in CPP_LANGUAGES:
            if self._not_built is not None:
                raise self._not_built
            # It is compiled already, so this only loads it.
            self._function = getattr(self._compile(solution, folder), solution.entry_function)
        else:
            # Its own package at the end of the path: it covers nothing that others import.
            sys.path.append(str(self._scratch))
            module = importlib.import_module(f"{PACKAGE}.{solution.entry_file.removesuffix('.py')}")
            self._function = getattr(module, solution.entry_function)
        self._solution = solution
        return {"digest": digest, "threads": len(os.listdir("/proc/self/task"))}

    @staticmethod
    def _compile(solution: Solution, folder: Path):
        from torch.utils import cpp_extension

        options = solution.raw["spec"].get("compile_options") or {}
        # A folder of its own: what another solution left there is never loaded.
        build = folder.parent / "build"
        build.mkdir(exist_ok=True)
        flags = options.get("cuda_cflags", ["-O3"])
        if torch.cuda.is_available():
            major, minor = torch.cuda.get_device_capability()
            flags = [*flags, f"-gencode=arch=compute_{major}{minor},code=sm_{major}{minor}"]
        return cpp_extension.load(
            name="benchmark_kernel",
            sources=[str(folder / name) for name in solution.sources if name.endswith((".cu", ".cpp"))],
            extra_cflags=options.get("cflags", []),
            extra_cuda_cflags=flags,
            extra_ldflags=options.get("ld_flags", []),
            build_directory=str(build),
        )

    def _shape(self, content: dict) -> dict:
        described = [
            [(name, None if shape is None else tuple(shape), dtype) for name, shape, dtype in content[kind]]
            for kind in ("inputs", "outputs")
        ]
        self._sets = None
        self._arguments, self._bases = [], []
        if self._device.startswith("cuda"):
            torch.cuda.empty_cache()
        self._described = (described[0], described[1])
        self._is_shared = bool(content.get("shared"))
        room = self._share.tensor if self._is_shared and self._share is not None else None
        self._sets = Sets(described[0], described[1], content["sets"], self._device, room)
        return {}

    def _lay(self, bases: list[dict]) -> dict:
        self._bases = []
        for base in bases:
            made = {}
            for name, shape, dtype in self._described[0]:
                given = base[name]
                made[name] = given if shape is None else self._area.get(shape, dtype, given, self._device)
            self._bases.append(made)
        return {}

    def _go(self, order: list[int], with_spans: bool) -> dict:
        spans = self._spans if with_spans else None
        started = spans.start() if spans is not None else None
        reply = self._calls(order)
        if spans is not None:
            reply["spans"] = {**spans.stop(), "started": started}
        return reply

    def _calls(self, order: list[int]) -> dict:
        arguments, function = self._arguments, self._function
        kinds: list[str] = []
        if function is None:
            event, wall = burst(self._write_outputs, order, self._device)
        elif self._solution.destination_passing:
            event, wall = burst(lambda one: function(*arguments[one]), order, self._device)
        else:
            count = len(self._described[0])
            results: dict[int, list] = {}

            def call(one: int) -> None:
                results[one] = as_list(function(*arguments[one][:count]))
                if self._is_shared:
                    # What is returned counts when it lies where the judge reads: the copy is part of the call.
                    for own, made in zip(arguments[one][count:], results[one], strict=True):
                        if type(made) is torch.Tensor and made.shape == own.shape and made.dtype == own.dtype:
                            torch.Tensor.copy_(own, made)

            event, wall = burst(call, order, self._device)
            for one, made in results.items():
                wanted = arguments[one][count:]
                kinds += [
                    f"Tensor {list(tensor.shape)} {tensor.dtype}" if type(tensor) is torch.Tensor else str(type(tensor))
                    for tensor, own in zip(made, wanted, strict=True)
                    if type(tensor) is not torch.Tensor or tensor.shape != own.shape or tensor.dtype != own.dtype
                ]
                self._sets.outputs[one] = made
        return {"event": event, "wall": wall, "kinds": kinds[:3]}

    def _write_outputs(self, one: int) -> None:
        """What is called before there is a solution: the judge learns what a burst costs around its calls."""
        for output in self._sets.outputs[one]:
            output.zero_()

    def _take(self, items: list[list]) -> dict:
        """Each item: set, 'inputs' or 'outputs', which, place in the file."""
        shapes = []
        for one, kind, which, place in items:
            tensor = self._sets.inputs[one][which] if kind == "inputs" else self._sets.outputs[one][which]
            if type(tensor) is not torch.Tensor:
                raise TypeError(f"output {which} is a {type(tensor).__name__}, not a tensor")
            shapes.append([list(tensor.shape), str(tensor.dtype).removeprefix("torch.")])
            self._area.put(tensor, place)
        return {"shapes": shapes}


def serve(requests: int, replies: int, host: Host) -> None:
    """Answers requests until the judge says QUIT or closes the stream."""
    while message := read_exactly(requests, protocol.REQUEST.size):
        magic, request_id, operation, size = protocol.REQUEST.unpack(message)
        if magic != protocol.REQUEST_MAGIC:
            raise SystemExit("gpu_kernel_host: the stream holds something that is no request")
        content = json.loads(read_exactly(requests, size)) if size else {}
        try:
            status, reply = protocol.OK, host.answer(operation, content)
        except Exception as error:
            status, reply = protocol.FAILED, {"error": f"{type(error).__name__}: {error}"[:4000]}
        body = json.dumps(reply).encode()
        write_all(replies, protocol.REPLY.pack(protocol.REPLY_MAGIC, request_id, status, len(body)) + body)
        if operation == protocol.QUIT:
            return


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a candidate's GPU kernels for the judge over pipes.")
    parser.add_argument("--solution", type=Path, required=True)
    parser.add_argument("--exchange", type=Path, default=os.environ.get("ASSAY_EXCHANGE"), help="shared with the judge")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--spans", type=Path, help="the helper that gpu_kernel_spans.py built")
    options = parser.parse_args()
    requests, replies = take_streams()
    torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory() as scratch:
        host = Host(options.solution, options.exchange, options.device, Path(scratch), options.spans)
        host.build()
        serve(requests, replies, host)
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
