"""Stands in for the package `kernels` and FlashAttention-3, on attention that torch itself has.

    fa3 = get_kernel("any/flash-attention-3").flash_attn_interface
    fa3.flash_attn_func(q, k, v, causal=True, window_size=(1024, 0))              q, k, v: [B, T, heads, dim]
    fa3.flash_attn_varlen_func(q, k, v, cu_seqlens_q=..., cu_seqlens_k=..., ...)   q, k, v: [tokens, heads, dim]

The same mathematics, other kernels: other speed and other rounding, so a result with it is no result with
FlashAttention-3. A task asks for it by name (`source: substitutes`), and each result says so.

Ways, in the order in which they are tried; ASSAY_ATTENTION names one:
- `varlen`: torch.nn.attention.varlen.varlen_attn with `window_size` (torch >= 2.11), CUDA, 16-bit;
- `flex`: torch.nn.attention.flex_attention, compiled, with a mask of blocks for each shape;
- `sdpa`: scaled_dot_product_attention, with an explicit mask where a window is shorter than the text. On any device.
"""

from __future__ import annotations

import functools
import os
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F

IS_SUBSTITUTE = True
WAYS = ("varlen", "flex", "sdpa")


@functools.cache
def way() -> str:
    """Which of WAYS is used in this process."""
    asked = os.environ.get("ASSAY_ATTENTION", "")
    if asked:
        if asked not in WAYS:
            raise ValueError(f"ASSAY_ATTENTION={asked}: {', '.join(WAYS)} are known")
        return asked
    if not torch.cuda.is_available():
        return "sdpa"
    try:
        import inspect

        from torch.nn.attention.varlen import varlen_attn

        return "varlen" if "window_size" in inspect.signature(varlen_attn).parameters else "flex"
    except ImportError:
        return "flex"


WAY = way()
if WAY == "varlen":
    from torch.nn.attention.varlen import varlen_attn


def boundaries(rows: int, length: int, device: torch.device) -> torch.Tensor:
    """Where rows of equal length begin and end: int32 [rows + 1]."""
    return torch.arange(0, (rows + 1) * length, length, dtype=torch.int32, device=device)


def visible(queries: int, keys: int, causal: bool, window: tuple[int, int], device: torch.device) -> torch.Tensor:
    """Which keys each query sees, as FlashAttention defines it (the last query is aligned with the last key):

    bool [Q,K].
    """
    distance = (
        torch.arange(queries, device=device)[:, None] + (keys - queries) - torch.arange(keys, device=device)[None, :]
    )
    left, right = window
    seen = torch.ones(queries, keys, dtype=torch.bool, device=device)
    if causal:
        seen &= distance >= 0
    if left >= 0:
        seen &= distance <= left
    if right >= 0:
        seen &= -distance <= right
    return seen


def flash_attn_func(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    softmax_scale: float | None = None,
    causal: bool = False,
    window_size: tuple[int, int] = (-1, -1),
    **other: Any,
) -> torch.Tensor:
    """Attention of rows of equal length. q: [B,T,H,D]; k, v: [B,T,G,D], G a divisor of H. Returns [B,T,H,D]."""
    refuse(other)
    rows, length, heads, size = q.shape
    left, right = window_size
    if left >= k.shape[1] - 1:
        left = -1  # the whole row, which is the faster kernel
    if causal:
        right = 0
    if WAY == "varlen" and length == k.shape[1]:
        if k.shape[2] != heads:
            k, v = (one.repeat_interleave(heads // one.shape[2], dim=2) for one in (k, v))
        flat = [one.reshape(rows * length, heads, size) for one in (q, k, v)]
        if flat[0].dtype not in (torch.bfloat16, torch.float16):
            flat = [one.to(torch.bfloat16) for one in flat]
        # In one type: rotary tables or gates may have left them in two.
        flat = [one.to(flat[2].dtype) for one in flat]
        ends = boundaries(rows, length, q.device)
        mixed = varlen_attn(*flat, ends, ends, length, length, scale=softmax_scale, window_size=(left, right))
        return mixed.view(rows, length, heads, size)
    q, k, v = (one.transpose(1, 2) for one in (q, k, v))
    many = {"enable_gqa": True} if k.shape[1] != heads else {}
    if WAY == "flex":
        mask = block_mask(q.shape[2], k.shape[2], left, right, q.device)
        mixed = compiled_flex()(q.to(v.dtype), k.to(v.dtype), v, block_mask=mask, scale=softmax_scale, **many)
    elif left < 0 and right == 0 and q.shape[2] == k.shape[2]:
        mixed = F.scaled_dot_product_attention(
            q.to(v.dtype), k.to(v.dtype), v, is_causal=True, scale=softmax_scale, **many
        )
    else:
        seen = visible(q.shape[2], k.shape[2], False, (left, right), q.device)
        mixed = F.scaled_dot_product_attention(
            q.to(v.dtype), k.to(v.dtype), v, attn_mask=seen, scale=softmax_scale, **many
        )
    return mixed.transpose(1, 2)


def flash_attn_varlen_func(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    cu_seqlens_q: torch.Tensor,
    cu_seqlens_k: torch.Tensor,
    max_seqlen_q: int,
    max_seqlen_k: int,
    softmax_scale: float | None = None,
    causal: bool = False,
    window_size: tuple[int, int] = (-1, -1),
    **other: Any,
) -> torch.Tensor:
    """Attention within documents that lie one after the other. q, k, v: [tokens,H,D]; cu_seqlens: their bounds."""
    refuse(other)
    left, right = window_size[0], 0 if causal else window_size[1]
    if WAY == "varlen":
        return varlen_attn(
            q.to(v.dtype),
            k.to(v.dtype),
            v,
            cu_seqlens_q,
            cu_seqlens_k,
            max_seqlen_q,
            max_seqlen_k,
            scale=softmax_scale,
            window_size=(left, right),
        )
    # Without such a kernel: one document is what stands between two bounds. Tokens x tokens of mask, for small inputs.
    places = [torch.arange(one.shape[0], device=q.device) for one in (q, k)]
    document_q, document_k = (
        torch.searchsorted(bounds, place, right=True)
        for bounds, place in zip((cu_seqlens_q, cu_seqlens_k), places, strict=True)
    )
    seen = document_q[:, None] == document_k[None, :]
    end_q, end_k = cu_seqlens_q[document_q], cu_seqlens_k[document_k]
    distance = (places[0] - end_q)[:, None] - (places[1] - end_k)[None, :]
    if left >= 0:
        seen &= distance <= left
    if right >= 0:
        seen &= -distance <= right
    rows = [one.transpose(0, 1)[None] for one in (q.to(v.dtype), k.to(v.dtype), v)]
    many = {"enable_gqa": True} if k.shape[1] != q.shape[1] else {}
    mixed = F.scaled_dot_product_attention(*rows, attn_mask=seen, scale=softmax_scale, **many)
    return mixed[0].transpose(0, 1)


def refuse(other: dict[str, Any]) -> None:
    """Options of FlashAttention that change the result and are not there: better no number than another one."""
    given = [name for name, value in other.items() if value not in (None, False, 0, 0.0)]
    if given:
        raise NotImplementedError(f"the substitute for FlashAttention-3 has no {', '.join(given)}")


@functools.cache
def block_mask(queries: int, keys: int, left: int, right: int, device: torch.device) -> Any:
    """The mask of blocks for flex_attention."""
    from torch.nn.attention.flex_attention import create_block_mask

    def seen(_batch: Any, _head: Any, query: Any, key: Any) -> Any:
        distance = query + (keys - queries) - key
        inside = distance >= (0 if right == 0 else -keys)
        if right > 0:
            inside = inside & (-distance <= right)
        return inside & (distance <= left) if left >= 0 else inside

    return create_block_mask(seen, None, None, queries, keys, device=device)


@functools.cache
def compiled_flex() -> Any:
    """flex_attention is meant to be compiled: alone it computes all scores."""
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=False)


flash_attn_interface = SimpleNamespace(flash_attn_func=flash_attn_func, flash_attn_varlen_func=flash_attn_varlen_func)


def get_kernel(repository: str, *_: Any, **__: Any) -> SimpleNamespace:
    """What `kernels.get_kernel` gives for FlashAttention-3. Raises RuntimeError for any other repository."""
    name = repository.lower()
    if "flash" not in name or "att" not in name:
        raise RuntimeError(f"there is no substitute for {repository}: only FlashAttention has one")
    return SimpleNamespace(flash_attn_interface=flash_attn_interface)
