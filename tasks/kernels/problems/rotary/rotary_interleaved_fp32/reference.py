"""Rotary position embedding of neighbouring pairs, float32, from integer positions."""

import torch


def make_inputs(axes_and_scalars, device):
    tokens, heads = axes_and_scalars["tokens"], axes_and_scalars["heads"]
    positions = torch.randint(0, 2048, (tokens,), device=device)
    return {"x": torch.randn(tokens, heads, 64, device=device), "positions": positions}


def run(x, positions):
    steps = torch.arange(0, 64, 2, device=x.device, dtype=torch.float32)
    angles = positions.to(torch.float32)[:, None] * torch.pow(10000.0, -steps / 64)
    cos, sin = angles.cos()[:, None], angles.sin()[:, None]
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=-1).flatten(-2)
