"""A byte-level transformer of 11 million parameters, trained to a target in few steps. A candidate changes this file.

Run as a program it builds and compiles, then takes its batches from the judge. Imported as a module it does nothing;
the judge then calls `load_model` and feeds the result bytes that this program never saw.

Shapes: B rows, T positions, H heads, D = WIDTH / H.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import harness
import torch
import torch.nn.functional as F
from harness import VOCABULARY
from torch import Tensor, nn

# Model
LAYERS = 6
WIDTH = 384
HEADS = 4
MLP_RATIO = 4
INIT_STD = 0.02
EMBEDDING_STD = 0.5
ROTARY_BASE = 1000.0

# Optimizer
LEARNING_RATE = 1e-3
ADAM_BETA1 = 0.9
ADAM_BETA2 = 0.95
ADAM_EPSILON = 1e-8
WEIGHT_DECAY = 0.1
WARM_UP = 0.05

# Length of the run, a multiple of harness.SNAPSHOT_EVERY. What counts is when the target is reached, within it.
STEPS = 400

# System
COMPILE = True


def make_norm() -> nn.Module:
    """The normalisation over the last axis, [..., WIDTH]."""
    return nn.LayerNorm(WIDTH)


class Attention(nn.Module):
    """Causal self-attention, [B,T,WIDTH] -> [B,T,WIDTH]."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.qkv(x).unflatten(-1, (3, HEADS, WIDTH // HEADS)).unbind(2)  # [B,T,H,D]
        query, key = rotate(query.transpose(1, 2)), rotate(key.transpose(1, 2))
        value = value.transpose(1, 2)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(mixed.transpose(1, 2).flatten(2))


class MLP(nn.Module):
    """Acts on each position alone, [B,T,WIDTH] -> [B,T,WIDTH]."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(WIDTH, MLP_RATIO * WIDTH, bias=False)
        self.down = nn.Linear(MLP_RATIO * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.gelu(self.up(x))
        return self.down(hidden)


class Block(nn.Module):
    """One pre-norm layer, [B,T,WIDTH] -> [B,T,WIDTH]."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm = make_norm()
        self.attention = Attention()
        self.mlp_norm = make_norm()
        self.mlp = MLP()

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x))
        return x + self.mlp(self.mlp_norm(x))


def rotate(x: Tensor) -> Tensor:
    """Turns each pair of features by an angle that grows with the position, [B,H,T,D] -> [B,H,T,D]."""
    half = x.shape[-1] // 2
    frequencies = ROTARY_BASE ** (-torch.arange(half, device=x.device) / half)
    angles = torch.arange(x.shape[-2], device=x.device)[:, None] * frequencies  # [T,D/2]
    cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    left, right = x[..., :half], x[..., half:]
    return torch.cat((left * cosine - right * sine, right * cosine + left * sine), dim=-1)


class Transformer(nn.Module):
    """Bytes int64 [B,T] -> logits float32 [B,T,VOCABULARY] for the byte that follows each."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.final_norm = make_norm()
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.apply(initialise)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.token(tokens)
        for block in self.blocks:
            x = block(x)
        x = self.final_norm(x)
        return self.head(x).float()


def initialise(module: nn.Module) -> None:
    """Draws the weights of one linear or embedding layer.

    Embeddings are large beside the first steps of AdamW, which move all symbols alike, towards how often each byte
    comes: else nothing is left by which a layer after the normalisation could tell one symbol from another.
    """
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=INIT_STD)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=EMBEDDING_STD)


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101), in one kernel on a GPU."""

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self.inner = torch.optim.AdamW(
            list(parameters),
            lr=LEARNING_RATE,
            betas=(ADAM_BETA1, ADAM_BETA2),
            eps=ADAM_EPSILON,
            weight_decay=WEIGHT_DECAY,
            fused=harness.device().type == "cuda",
        )

    def step(self, factor: float) -> None:
        """One update at `factor` times the learning rate."""
        for group in self.inner.param_groups:
            group["lr"] = LEARNING_RATE * factor
        self.inner.step()


def make_optimizers(model: Transformer) -> list:
    """The optimizers that together hold every parameter once."""
    return [AdamW(model.parameters())]


def learning_rate_factor(fraction: float) -> float:
    """What every learning rate is multiplied by when `fraction` of the steps is done: up, then flat."""
    return min(1.0, (fraction + 0.0025) / WARM_UP)


def backward(model: Transformer, inputs: Tensor, targets: Tensor) -> Tensor:
    """The loss of a batch in nats, after its gradients are in place."""
    with torch.autocast("cuda", torch.bfloat16, enabled=inputs.is_cuda):
        logits = model(inputs)
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    loss.backward()
    return loss


def warm_up(model: Transformer, device: torch.device) -> None:
    """Compiles everything on random bytes, without a step of an optimizer."""
    shape = harness.BATCH_ROWS, harness.CONTEXT_LENGTH + 1
    rows = torch.randint(VOCABULARY, shape, device=device)
    backward(model, rows[:, :-1], rows[:, 1:])
    model.zero_grad()


def train() -> None:
    """Takes STEPS batches from the judge, one optimizer step each, and prints what it claims."""
    run = harness.Run()
    device = harness.device()
    torch.manual_seed(harness.seed())
    torch.set_float32_matmul_precision("high")
    model = Transformer().to(device)
    optimizers = make_optimizers(model)
    if COMPILE and device.type == "cuda":
        for block in model.blocks:
            block.compile()  # one graph for all blocks: they differ only in their weights
        warm_up(model, device)

    for step, (inputs, targets) in enumerate(run.batches(model, STEPS)):
        loss = backward(model, inputs, targets)
        factor = learning_rate_factor(step / STEPS)
        for optimizer in optimizers:
            optimizer.step(factor)
        model.zero_grad()

    print(f"train_loss: {loss.item():.4f}")
    print(f"parameters: {sum(parameter.numel() for parameter in model.parameters())}")


def load_model(path: str) -> Callable[[Tensor], Tensor]:
    """Reads a checkpoint. Returns the function that the judge calls: int64 [B,T] -> float32 logits [B,T,256].

    The weights stay on the CPU until then: the judge forks a process for each question, which a GPU does not survive.
    Answers are in float32, so that a row has the same answer in whatever batch it comes.
    """
    model = Transformer()
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    model.eval()
    return lambda tokens: answer(model, tokens)


def answer(model: Transformer, tokens: Tensor) -> Tensor:
    """Logits on the CPU, float32 [B,T,256]; computed on the GPU if there is one, 128 rows at a time."""
    device = harness.device()
    model.to(device)
    return torch.cat([model(rows.to(device)).cpu() for rows in tokens.split(128)])


if __name__ == "__main__":
    train()
