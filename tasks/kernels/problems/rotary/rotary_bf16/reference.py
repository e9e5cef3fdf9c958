"""Rotary position embedding of queries and keys in two halves, bfloat16, angles in float32."""

import torch


def turn(x, cos, sin):
    first, second = x.float().chunk(2, dim=-1)
    cos, sin = cos[:, None], sin[:, None]
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1).to(x.dtype)


def run(q, k, cos, sin):
    return turn(q, cos, sin), turn(k, cos, sin)
