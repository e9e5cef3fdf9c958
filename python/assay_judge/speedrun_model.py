"""The loss of a model of track 3 of the NanoGPT Speedrun, from its parameters alone: trusted code, none of the
candidate's.

The rules of track 3 fix the architecture (records/track_3_optimization/README.md and train_gpt_simple.py of
KellerJordan/modded-nanogpt at f411b3d), so the judge has it too, written anew: decoder with RMSNorm and gains, biases
everywhere, heads of 128 with normalized queries and keys, half-truncated rotation with frequencies from 1 to 1/1024,
score scale 0.12, squared ReLU of width 4, logits capped as 15 z / sqrt(z^2 + 15^2), 16-bit activations from a 16-bit
embedding. It is causal and normalized because it is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

HEAD = 128
SCORE_SCALE = 0.12
CAP = 15.0
TYPES = (torch.float32, torch.bfloat16, torch.float16)
BASE = 1024


@dataclass(frozen=True)
class Shape:
    """Of the model that the rules fix."""

    vocabulary: int = 50304
    layers: int = 12
    width: int = 768
    context: int = 1024

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of its state."""
        width, wide = self.width, 4 * self.width
        found: dict[str, tuple[int, ...]] = {"embed.weight": (self.vocabulary, width)}
        for layer in range(self.layers):
            block = f"blocks.{layer}"
            for name, rows, columns in [
                *((f"attn.{one}", width, width) for one in ("q", "k", "v", "proj")),
                ("mlp.fc", wide, width),
                ("mlp.proj", width, wide),
            ]:
                found[f"{block}.{name}.weight"] = (rows, columns)
                found[f"{block}.{name}.bias"] = (rows,)
            found[f"{block}.attn.rotary.angular_freq"] = (HEAD // 2,)
            for norm in ("norm1", "norm2"):
                found[f"{block}.{norm}.gains"] = (width,)
        found |= {"proj.weight": (self.vocabulary, width), "proj.bias": (self.vocabulary,)}
        return found | {"norm1.gains": (width,), "norm2.gains": (width,)}


def frequencies() -> torch.Tensor:
    """Of the rotation: float32 [HEAD / 2], the second half zero."""
    turning = (1 / BASE) ** torch.linspace(0, 1, HEAD // 4, dtype=torch.float32)
    return torch.cat([turning, torch.zeros(HEAD // 4)])


def what_differs(state: Mapping[str, torch.Tensor], shape: Shape) -> list[str]:
    """What of the state is not the model that the rules fix; empty if nothing."""
    wanted = shape.parameters()
    found = [f"{name} is missing" for name in wanted if name not in state]
    found += [f"{name} is not part of it" for name in state if name not in wanted]
    for name, size in wanted.items():
        if name in state and tuple(state[name].shape) != size:
            found.append(f"{name} has shape {tuple(state[name].shape)}, not {size}")
        elif name in state and state[name].dtype not in TYPES:
            found.append(f"{name} holds {state[name].dtype}")
        elif name.endswith("angular_freq") and name in state:
            if not torch.allclose(state[name].float().cpu(), frequencies(), atol=1e-6):
                found.append(f"{name} holds other frequencies")
        elif name in state and not bool(torch.isfinite(state[name]).all()):
            found.append(f"{name} holds values that are not finite")
    return found


class Model:
    """Computes losses. state: as `what_differs` found nothing in it."""

    def __init__(self, state: Mapping[str, torch.Tensor], shape: Shape, device: str) -> None:
        self.shape = shape
        self.state = {name: one.to(device) for name, one in state.items()}
        angles = torch.outer(torch.arange(shape.context, dtype=torch.float32), frequencies()).to(device)
        self.cos, self.sin = (table[None, :, None, :] for table in (angles.cos(), angles.sin()))

    @torch.inference_mode()
    def losses(self, tokens: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """int64 [R,T] each; nats of each target, float32 [R,T]."""
        x = self._norm("norm1", F.embedding(tokens, self.state["embed.weight"]))
        for layer in range(self.shape.layers):
            block = f"blocks.{layer}"
            x = x + self._attention(f"{block}.attn", self._norm(f"{block}.norm1", x))
            inner = self._linear(f"{block}.mlp.fc", self._norm(f"{block}.norm2", x)).relu().square()
            x = x + self._linear(f"{block}.mlp.proj", inner)
        logits = self._linear("proj", self._norm("norm2", x)).float()
        logits = CAP * logits * (logits.square() + CAP**2).rsqrt()
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view(targets.shape)

    def _linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.state[f"{name}.weight"].type_as(x), self.state[f"{name}.bias"].type_as(x))

    def _norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, (x.shape[-1],), weight=self.state[f"{name}.gains"].type_as(x))

    def _attention(self, name: str, x: torch.Tensor) -> torch.Tensor:
        rows, length, width = x.shape
        q, k, v = (self._linear(f"{name}.{one}", x).view(rows, length, -1, HEAD) for one in "qkv")
        q, k = (self._turned(F.rms_norm(one, (HEAD,))) for one in (q, k))
        heads = [one.transpose(1, 2) for one in (q, k, v)]
        mixed = F.scaled_dot_product_attention(*heads, scale=SCORE_SCALE, is_causal=True)
        return self._linear(f"{name}.proj", mixed.transpose(1, 2).reshape(rows, length, width))

    def _turned(self, x: torch.Tensor) -> torch.Tensor:
        length = x.shape[1]
        left, right = x.float().chunk(2, dim=-1)
        cos, sin = self.cos[:, :length], self.sin[:, :length]
        return torch.cat([left * cos + right * sin, right * cos - left * sin], dim=-1).type_as(x)


def mean_loss(model: Model, tokens: np.ndarray, rows: int, device: str) -> float:
    """Nats per target of uint16 [N * context + 1], in windows of the context."""
    context = model.shape.context
    text = torch.from_numpy(tokens.astype(np.int64))
    inputs, targets = text[:-1].view(-1, context), text[1:].view(-1, context)
    total = 0.0
    for at in range(0, len(inputs), rows):
        batch = (one[at : at + rows].to(device) for one in (inputs, targets))
        total += float(model.losses(*batch).double().sum())
    return total / targets.numel()
