"""Decode attention with grouped heads over a cache kept in pages of 16 tokens that lie anywhere."""

import torch


def make_inputs(axes_and_scalars, device):
    batch, each = axes_and_scalars["batch"], axes_and_scalars["pages_each"]
    heads, kv_heads = axes_and_scalars["heads"], axes_and_scalars["kv_heads"]
    cache = (batch * each, 16, kv_heads, 128)
    lengths = torch.randint(each * 12, each * 16 + 1, (batch,), device=device).to(torch.int32)
    return {
        "q": torch.randn(batch, heads, 128, device=device).to(torch.bfloat16),
        "k_cache": torch.randn(cache, device=device).to(torch.bfloat16),
        "v_cache": torch.randn(cache, device=device).to(torch.bfloat16),
        "table": torch.randperm(batch * each, device=device).reshape(batch, each).to(torch.int32),
        "lengths": lengths,
    }


def run(q, k_cache, v_cache, table, lengths):
    batch, heads, dim = q.shape
    kv_heads = k_cache.shape[2]
    k = k_cache[table.long()].reshape(batch, -1, kv_heads, dim).float()
    v = v_cache[table.long()].reshape(batch, -1, kv_heads, dim).float()
    shared = q.float().reshape(batch, kv_heads, heads // kv_heads, dim)
    scores = torch.einsum("bgsd,btgd->bgst", shared, k) * dim**-0.5
    beyond = torch.arange(k.shape[1], device=q.device)[None, :] >= lengths[:, None]
    shares = torch.softmax(scores.masked_fill(beyond[:, None, None], float("-inf")), dim=-1)
    return torch.einsum("bgst,btgd->bgsd", shares, v).reshape(batch, heads, dim).to(q.dtype)
