"""Causal self-attention that sees the last 128 places only, float16."""

import torch


def run(q, k, v):
    length, dim = q.shape[-2:]
    scores = (q @ k.transpose(-1, -2)).float() * dim**-0.5
    place = torch.arange(length, device=q.device)
    distance = place[:, None] - place[None, :]
    visible = (distance >= 0) & (distance < 128)
    shares = torch.softmax(scores.masked_fill(~visible, float("-inf")), dim=-1)
    return shares.to(v.dtype) @ v
