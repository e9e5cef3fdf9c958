"""A small byte-level transformer, trained against the clock. This is the one file that a candidate changes.

Run as a program it trains until the budget is gone and writes a checkpoint. Imported as a module it does
nothing; the judge then calls `load_model` and feeds the result bytes that this program never saw.

Shapes: B rows, T positions, H heads, D = WIDTH / H.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import harness
import numpy as np
import torch
import torch.nn.functional as F
from harness import VOCABULARY
from torch import Tensor, nn

# Model
LAYERS = 2
WIDTH = 64
HEADS = 4
MLP_RATIO = 4
INIT_STD = 0.02

# Optimizer
LEARNING_RATE = 1e-3
ADAM_BETA1 = 0.9
ADAM_BETA2 = 0.999
ADAM_EPSILON = 1e-8
WEIGHT_DECAY = 0.1

# Data
BATCH_ROWS = 4
TRAIN_LENGTH = 256


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
        query, key = query.transpose(1, 2), key.transpose(1, 2)
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


class Transformer(nn.Module):
    """Bytes int64 [B,T] -> logits float32 [B,T,VOCABULARY] for the byte that follows each."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, WIDTH)
        self.position = nn.Embedding(harness.CONTEXT_LENGTH, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.final_norm = make_norm()
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.apply(initialise)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.token(tokens)
        x = x + self.position.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        x = self.final_norm(x)
        return self.head(x)


def initialise(module: nn.Module) -> None:
    """Draws the weights of one linear or embedding layer."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=INIT_STD)


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101), one tensor after another."""

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self.parameters = list(parameters)
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """One update at `factor` times the learning rate."""
        self.steps += 1
        rate = LEARNING_RATE * factor
        step_size = rate / (1 - ADAM_BETA1**self.steps)
        correction = (1 - ADAM_BETA2**self.steps) ** 0.5
        for parameter, mean, square in zip(self.parameters, self.means, self.squares, strict=True):
            parameter.mul_(1 - rate * WEIGHT_DECAY)
            mean.lerp_(parameter.grad, 1 - ADAM_BETA1)
            square.mul_(ADAM_BETA2).addcmul_(parameter.grad, parameter.grad, value=1 - ADAM_BETA2)
            parameter.addcdiv_(mean, square.sqrt().div_(correction).add_(ADAM_EPSILON), value=-step_size)


def make_optimizers(model: Transformer) -> list:
    """The optimizers that together hold every parameter once."""
    return [AdamW(model.parameters())]


def learning_rate_factor(fraction: float) -> float:
    """What every learning rate is multiplied by when `fraction` of the budget is used: constant."""
    return 1.0


def batch_rows(fraction: float) -> int:
    """Rows of a training batch when `fraction` of the budget is used: constant."""
    return BATCH_ROWS


def batch_length(fraction: float) -> int:
    """Bytes in each row of a training batch when `fraction` of the budget is used: constant."""
    return TRAIN_LENGTH


def sample(data: np.ndarray, rows: int, length: int) -> tuple[Tensor, Tensor]:
    """Random windows of the text: inputs and the bytes that follow them, both int64 [rows, length]."""
    starts = torch.randint(len(data) - length, (rows, 1)).numpy()
    windows = torch.from_numpy(data[starts + np.arange(length + 1)]).long()
    return windows[:, :-1], windows[:, 1:]


def train() -> None:
    """Trains until the budget is gone, writes the checkpoint and prints what it claims."""
    clock = harness.clock()
    torch.manual_seed(harness.seed())
    data = harness.train_bytes()
    model = Transformer()
    optimizers = make_optimizers(model)
    steps = tokens_seen = 0

    for _ in clock.steps():
        fraction = clock.fraction()
        inputs, targets = sample(data, batch_rows(fraction), batch_length(fraction))
        loss = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
        loss.backward()
        factor = learning_rate_factor(fraction)
        for optimizer in optimizers:
            optimizer.step(factor)
        model.zero_grad()
        steps += 1
        tokens_seen += inputs.numel()

    torch.save(model.state_dict(), harness.checkpoint_path())
    print(f"train_loss: {loss.item():.4f}")
    print(f"steps: {steps}")
    print(f"tokens: {tokens_seen}")
    print(f"parameters: {sum(parameter.numel() for parameter in model.parameters())}")


def load_model(path: str) -> Callable[[Tensor], Tensor]:
    """Reads a checkpoint. Returns the function that the judge calls: int64 [B,T] -> float32 logits [B,T,256]."""
    model = Transformer()
    model.load_state_dict(torch.load(path, weights_only=True))
    return model.eval()


if __name__ == "__main__":
    train()
