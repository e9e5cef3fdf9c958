"""Logits of a language model: product with the vocabulary, capped at 15 by a tanh."""

import torch


def run(x, weight):
    logits = (x @ weight.T).float() * weight.shape[1] ** -0.5
    return (15.0 * torch.tanh(logits / 15.0)).to(x.dtype)
