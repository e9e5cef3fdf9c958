"""One new query a sequence against its cache of keys and values; several query heads share one of keys."""

import torch


def run(q, k, v):
    batch, heads, dim = q.shape
    shared = q.float().reshape(batch, k.shape[2], heads // k.shape[2], dim)
    scores = torch.einsum("bgsd,btgd->bgst", shared, k.float()) * dim**-0.5
    shares = torch.softmax(scores, dim=-1)
    return torch.einsum("bgst,btgd->bgsd", shares, v.float()).reshape(batch, heads, dim).to(q.dtype)
