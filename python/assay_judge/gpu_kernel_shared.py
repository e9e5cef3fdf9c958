"""The host's sets as the judge sees them where memory is shared: it fills them, and takes the outputs out itself."""

from __future__ import annotations

import torch

from assay_judge import gpu_kernel_protocol as protocol
from assay_judge.gpu_kernel_inputs import Inputs
from assay_judge.gpu_kernel_outputs import Refusal
from assay_judge.gpu_kernel_schema import Definition
from assay_judge.gpu_kernel_sets import Sets, flush, wait
from assay_judge.gpu_kernel_share import Share, make_share
from assay_judge.gpu_kernel_verify import poison_left


def scalars_of(sets: Sets) -> list[Inputs]:
    """For each set its inputs that are numbers."""
    return [
        {name: value for name, value in inputs.items() if not isinstance(value, torch.Tensor)} for inputs in sets.inputs
    ]


class SharedSets:
    """`theirs`: None where tensors travel through the exchange file."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.transport = "file"
        self.theirs: Sets | None = None
        self.snapshot: list[list[torch.Tensor]] = []
        """The outputs of a burst, by set, where the host cannot reach them."""
        self._share: Share | None = None
        self._greeting: torch.Tensor | None = None

    def make(self, size: int) -> None:
        try:
            self._share = make_share(max(size, 4096), self.device)
        except (RuntimeError, OSError, AttributeError) as error:
            self.transport = f"file: {error}"[:200]

    def greet(self) -> dict | None:
        """Writes a greeting into the memory. What the host needs to find it."""
        if self._share is None:
            return None
        self._greeting = torch.randint(0, 256, (protocol.GREETING,), dtype=torch.uint8)
        self._share.tensor[: protocol.GREETING] = self._greeting.to(self.device)
        wait(self.device)
        return self._share.described

    def hear(self, reply: dict) -> None:
        """Whether the host saw the greeting, and its answer is seen here. Else the exchange file is used."""
        if self._share is None or self._greeting is None:
            return
        answer = self._share.tensor[protocol.GREETING : 2 * protocol.GREETING].cpu()
        saw = reply.get("saw") == bytes(self._greeting.tolist()).hex()
        if saw and torch.equal(answer, self._greeting.flip(0)):
            self.transport = self._share.described["kind"]
            return
        self.transport = f"file: {reply.get('no_share')}"[:300]
        self._share = None

    def prepare(self, sized: tuple[list, list], count: int, sets: Sets) -> None:
        """For one workload. `sets`: the judge's own, with content."""
        if self._share is None:
            return
        self.theirs = Sets(*sized, count, self.device, self._share.tensor)
        self.theirs.view([0] * count, scalars_of(sets))
        self.snapshot = [[torch.empty_like(one) for one in outputs] for outputs in self.theirs.outputs]

    def drop(self) -> None:
        self.theirs, self.snapshot = None, []

    def fill(self, shifts: list[int], scalars: list[Inputs], sets: Sets) -> None:
        """The content comes last, just before the clock starts."""
        self.theirs.view(shifts, scalars)
        self.theirs.poison()
        self.theirs.copy_inputs(sets)
        flush(self.device)

    def take(self, order: list[int]) -> None:
        """Copies all outputs away, those of the last call first."""
        for one in reversed(order):
            for own, shared in zip(self.snapshot[one], self.theirs.outputs[one], strict=True):
                own.copy_(shared)
        wait(self.device)

    def refuse_written(self, sets: Sets) -> None:
        """Raises Refusal when an input of any call was changed."""
        for one, inputs in enumerate(self.theirs.inputs):
            for name, value in inputs.items():
                if isinstance(value, torch.Tensor) and not same(value, sets.inputs[one][name]):
                    raise Refusal("gpu-kernel-inputs-unchanged", f"the input {name} was written", suspected=True)

    def refuse_unfinished(self, definition: Definition) -> None:
        """Raises Refusal when an output of any call holds poison, or is not what it was when it was taken."""
        for one, outputs in enumerate(self.snapshot):
            for which, output in enumerate(outputs):
                name = definition.outputs[which].name
                if not same(output, self.theirs.outputs[one][which]):
                    words = f"{name} of a call changed after the burst was said to be done"
                    raise Refusal("gpu-kernel-late-write", words, suspected=True)
                left = poison_left(output) if output.dtype.is_floating_point else 0
                if left > 0:
                    words = f"{left} of {output.numel()} elements of {name} of a call hold their poison"
                    raise Refusal("gpu-kernel-poison", words, suspected=left == output.numel())


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Byte for byte."""
    return torch.equal(one.reshape(-1).view(torch.uint8), other.reshape(-1).view(torch.uint8))
