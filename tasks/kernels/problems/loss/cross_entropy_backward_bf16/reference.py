"""Gradient of the cross-entropy with respect to its bfloat16 logits, each row times its weight."""

import torch


def make_inputs(axes_and_scalars, device):
    tokens, vocabulary = axes_and_scalars["tokens"], axes_and_scalars["vocabulary"]
    logits = torch.randn(tokens, vocabulary, device=device).mul_(3.0).to(torch.bfloat16)
    targets = torch.randint(0, vocabulary, (tokens,), device=device)
    return {"logits": logits, "targets": targets, "weight": torch.rand(tokens, device=device)}


def run(logits, targets, weight):
    shares = torch.softmax(logits.float(), dim=-1)
    rows = torch.arange(len(targets), device=logits.device)
    shares[rows, targets] -= 1.0
    return (shares * weight[:, None]).to(logits.dtype)
