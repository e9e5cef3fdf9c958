"""Softmax of attention scores under a causal mask after scaling; masked places come out as zero."""

import torch


def run(scores):
    length = scores.shape[-1]
    visible = torch.ones(length, length, dtype=torch.bool, device=scores.device).tril()
    values = (scores.float() * 0.125).masked_fill(~visible, float("-inf"))
    shifted = torch.exp(values - values.amax(-1, keepdim=True))
    return (shifted / shifted.sum(-1, keepdim=True)).to(scores.dtype)
