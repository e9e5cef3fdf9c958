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
LEARNING_RATE = 1e-2
ADAM_BETA1 = 0.9
ADAM_BETA2 = 0.95
ADAM_EPSILON = 1e-10
WEIGHT_DECAY = 0.1

# Data
BATCH_ROWS = 4
TRAIN_LENGTH = 256


def make_norm() -> nn.Module:
    """The normalisation over the last axis, [..., WIDTH]."""
    return nn.RMSNorm(WIDTH)


class Attention(nn.Module):
    """Causal self-attention, [B,T,WIDTH] -> [B,T,WIDTH]."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.byte_value = nn.Embedding(VOCABULARY, WIDTH)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        query, key, value = self.qkv(x).unflatten(-1, (3, HEADS, WIDTH // HEADS)).unbind(2)  # [B,T,H,D]
        query, key = rotate(query.transpose(1, 2)), rotate(key.transpose(1, 2))
        value = (value + self.byte_value(tokens).unflatten(-1, (HEADS, -1))).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(unit(query), unit(key), value, is_causal=True, scale=QK_SCALE)
        return self.out(mixed.transpose(1, 2).flatten(2))


QK_SCALE = 0.5


def unit(x: Tensor) -> Tensor:
    """Gives each head's vector a root mean square of 1, [B,H,T,D] -> [B,H,T,D]."""
    return F.rms_norm(x, (x.shape[-1],))


class MLP(nn.Module):
    """Acts on each position alone, [B,T,WIDTH] -> [B,T,WIDTH]."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(WIDTH, MLP_RATIO * WIDTH, bias=False)
        self.down = nn.Linear(MLP_RATIO * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(self.up(x)).square()
        return self.down(hidden)


BIGRAM_BUCKETS = 4096


def bigram_bucket(tokens: Tensor) -> Tensor:
    """Hashes each byte with the one before it (0 before the first), int64 [B,T] -> int64 [B,T]."""
    before = F.pad(tokens, (1, 0))[:, :-1]
    return (before * 1597 + tokens * 31) % BIGRAM_BUCKETS


class Block(nn.Module):
    """One pre-norm layer, [B,T,WIDTH] -> [B,T,WIDTH]."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm = make_norm()
        self.attention = Attention()
        self.mlp_norm = make_norm()
        self.mlp = MLP()

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x), tokens)
        return x + self.mlp(self.mlp_norm(x))


ROTARY_BASE = 1000.0


def rotate(x: Tensor) -> Tensor:
    """Turns each pair of features by an angle that grows with the position, [B,H,T,D] -> [B,H,T,D]."""
    half = x.shape[-1] // 2
    frequencies = ROTARY_BASE ** (-torch.arange(half) / half)
    angles = torch.arange(x.shape[-2])[:, None] * frequencies  # [T,D/2]
    cosine, sine = angles.cos(), angles.sin()
    left, right = x[..., :half], x[..., half:]
    return torch.cat((left * cosine - right * sine, right * cosine + left * sine), dim=-1)


class Transformer(nn.Module):
    """Bytes int64 [B,T] -> logits float32 [B,T,VOCABULARY] for the byte that follows each."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, WIDTH)  # positions: see `rotate`
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.bigram = nn.Embedding(BIGRAM_BUCKETS, WIDTH)
        self.final_norm = make_norm()
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.apply(initialise)  # then let each block start as the identity
        for block in self.blocks:
            nn.init.zeros_(block.attention.out.weight)
            nn.init.zeros_(block.mlp.down.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.token(tokens) + self.bigram(bigram_bucket(tokens))
        # Positions enter where queries and keys are rotated.
        for block in self.blocks:
            x = block(x, tokens)
        x = self.final_norm(x)
        return self.head(x)


def initialise(module: nn.Module) -> None:
    """Draws the weights of one linear or embedding layer."""
    if isinstance(module, nn.Linear | nn.Embedding):
        is_table = isinstance(module, nn.Embedding)
        nn.init.normal_(module.weight, std=EMBEDDING_STD if is_table else module.in_features**-0.5)


EMBEDDING_STD = 0.1


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
        gradients = [parameter.grad for parameter in self.parameters]
        torch._foreach_mul_(self.parameters, 1 - rate * WEIGHT_DECAY)
        torch._foreach_lerp_(self.means, gradients, 1 - ADAM_BETA1)
        torch._foreach_mul_(self.squares, ADAM_BETA2)
        torch._foreach_addcmul_(self.squares, gradients, gradients, value=1 - ADAM_BETA2)
        scales = torch._foreach_sqrt(self.squares)
        torch._foreach_div_(scales, correction)
        torch._foreach_add_(scales, ADAM_EPSILON)
        torch._foreach_addcdiv_(self.parameters, self.means, scales, value=-step_size)


def make_optimizers(model: Transformer) -> list:
    """The optimizers that together hold every parameter once."""
    return [AdamW(model.parameters())]


def learning_rate_factor(fraction: float) -> float:
    """What every learning rate is multiplied by when `fraction` of the budget is used: up, flat, down."""
    return min(1.0, (fraction + 0.01) / WARM_UP, (1.01 - fraction) / WARM_DOWN)


WARM_UP = 0.1
WARM_DOWN = 0.3


def batch_rows(fraction: float) -> int:
    """Rows of a training batch when `fraction` of the budget is used: constant."""
    return BATCH_ROWS


def batch_length(fraction: float) -> int:
    """Bytes in each row of a training batch when `fraction` of the budget is used: short, then TRAIN_LENGTH."""
    return SHORT_LENGTH if fraction < SHORT_UNTIL else TRAIN_LENGTH


SHORT_LENGTH = 64
SHORT_UNTIL = 0.6


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
