"""Adds a bias to each row, then GELU (the tanh form), float32."""

import torch


def run(x, bias):
    value = x + bias
    inside = 0.7978845608028654 * (value + 0.044715 * value * value * value)
    return 0.5 * value * (1.0 + torch.tanh(inside))
