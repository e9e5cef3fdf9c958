"""What each problem of tasks/kernels computes, in another way: library functions and autograd, float64.

Inputs come as float64 (integers as they are). float8 outputs are given before their last rounding.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def _slopes(function, inputs: list[Tensor], slope: Tensor) -> tuple[Tensor, ...]:
    leaves = [one.detach().clone().requires_grad_() for one in inputs]
    return torch.autograd.grad(function(*leaves), leaves, slope)


def _swiglu(x: Tensor) -> Tensor:
    gate, up = x.chunk(2, -1)
    return F.silu(gate) * up


def _norm(x: Tensor, weight: Tensor, eps: float = 1e-6) -> Tensor:
    return F.rms_norm(x, x.shape[-1:], weight, eps)


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    number = torch.complex(x[..., :half], x[..., half:]) * torch.complex(cos, sin)[:, None]
    return torch.cat([number.real, number.imag], -1)


def _pairs(x: Tensor, positions: Tensor) -> Tensor:
    rates = torch.tensor([10000.0 ** (-2 * one / 64) for one in range(32)], dtype=torch.float64)
    angle = positions.double()[:, None, None] * rates
    number = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous()) * torch.polar(torch.ones_like(angle), angle)
    return torch.view_as_real(number).flatten(-2)


def _decode(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    each = q.shape[1] // k.shape[2]
    k, v = (one.transpose(1, 2).repeat_interleave(each, 1) for one in (k, v))
    return F.scaled_dot_product_attention(q[:, :, None], k, v)[:, :, 0]


def _paged(q, k_cache, v_cache, table, lengths) -> Tensor:
    rows = []
    for one in range(len(q)):
        k, v = (cache[table[one].long()].flatten(0, 1)[: lengths[one]] for cache in (k_cache, v_cache))
        rows.append(_decode(q[one : one + 1], k[None], v[None]))
    return torch.cat(rows)


def _sliding(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    ones = torch.ones(q.shape[-2], q.shape[-2], dtype=torch.bool)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=ones.tril() & ones.triu(-127))


def _scaled(x: Tensor, width: int) -> tuple[Tensor, Tensor]:
    blocks = x.reshape(*x.shape[:-1], -1, width)
    scale = torch.linalg.vector_norm(blocks, float("inf"), -1) / 448
    return (blocks / scale[..., None]).reshape(x.shape), scale


def _row_scaled(x: Tensor) -> tuple[Tensor, Tensor]:
    values, scale = _scaled(x, x.shape[-1])
    return values, scale[..., 0]


def _top(x: Tensor) -> tuple[Tensor, Tensor]:
    values, places = x.sort(-1, descending=True)
    return values[:, :8], places[:, :8]


def _route(logits: Tensor) -> tuple[Tensor, Tensor]:
    values, places = logits.sort(-1, descending=True)
    return values[:, :2].softmax(-1), places[:, :2]


def _grouped(x: Tensor, weight: Tensor, ends: Tensor) -> Tensor:
    owner = torch.searchsorted(ends.long(), torch.arange(len(x)), right=True)
    return torch.einsum("th,tih->ti", x, weight[owner])


def _adamw(parameter, gradient, first, second, rate, step):
    new, slope = parameter.clone().requires_grad_(), gradient
    new.grad = slope.clone()
    optimizer = torch.optim.AdamW([new], lr=rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    state = {"step": torch.tensor(float(step - 1)), "exp_avg": first.clone(), "exp_avg_sq": second.clone()}
    optimizer.state[new] = state
    optimizer.step()
    return new.detach(), state["exp_avg"], state["exp_avg_sq"]


def _sgd(parameter, gradient, momentum):
    new = parameter.clone().requires_grad_()
    new.grad = gradient.clone()
    optimizer = torch.optim.SGD([new], lr=0.02, momentum=0.9, weight_decay=0.01, nesterov=True)
    optimizer.state[new] = {"momentum_buffer": momentum.clone()}
    optimizer.step()
    return new.detach(), optimizer.state[new]["momentum_buffer"]


def _newton_schulz(gradient: Tensor) -> Tensor:
    """The polynomial acts on the singular values alone."""
    left, values, right = torch.linalg.svd(gradient, full_matrices=False)
    values = values / (values.square().sum().sqrt() + 1e-7)
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return left @ torch.diag(values) @ right


def _entropy_slope(logits: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
    return _slopes(lambda x: F.cross_entropy(x, targets, reduction="none"), [logits], weight)[0]


def _embedding(slope: Tensor, token: Tensor) -> Tensor:
    table = torch.zeros(8192, slope.shape[1], dtype=torch.float64)
    return _slopes(lambda x: F.embedding(token, x), [table], slope)[0]


ORACLES = {
    "rms_norm_bf16": _norm,
    "add_rms_norm_bf16": lambda x, residual, weight: (_norm(x + residual, weight, 1e-5), x + residual),
    "layer_norm_fp32": lambda x, w, b: F.layer_norm(x, x.shape[-1:], w, b),
    "group_norm_silu_fp16": lambda x, w, b: F.silu(F.group_norm(x, 32, w, b)),
    "softmax_fp32": lambda x: x.softmax(-1),
    "log_softmax_bf16": lambda x: x.log_softmax(-1),
    "causal_softmax_bf16": lambda x: (
        x / 8 + torch.full(x.shape[1:], -float("inf"), dtype=torch.float64).triu(1)
    ).softmax(-1),
    "rotary_bf16": lambda q, k, cos, sin: (_turned(q, cos, sin), _turned(k, cos, sin)),
    "rotary_interleaved_fp32": _pairs,
    "swiglu_bf16": _swiglu,
    "bias_gelu_fp32": lambda x, bias: F.gelu(x + bias, approximate="tanh"),
    "squared_relu_dropout_mask_fp16": lambda x, keep: torch.where(keep, F.relu(x) ** 2 / 0.8, 0.0),
    "gated_mlp_bf16": lambda x, gate, up, down: (
        F.linear(F.silu(F.linear(x, gate) / x.shape[-1] ** 0.5) * F.linear(x, up) / x.shape[-1] ** 0.5, down)
        / gate.shape[0] ** 0.5
    ),
    "gemm_fp32": lambda a, b: torch.einsum("mk,kn->mn", a, b),
    "gemm_bias_gelu_bf16": lambda x, w, b: F.gelu(F.linear(x, w / w.shape[1] ** 0.5, b), approximate="tanh"),
    "gemm_residual_fp16": lambda x, w, residual: F.linear(x, w / w.shape[1] ** 0.5) + residual,
    "gemm_softcap_bf16": lambda x, w: 15 * torch.tanh(F.linear(x, w / w.shape[1] ** 0.5) / 15),
    "gemm_fp8": lambda a, b, sa, sb: torch.diag(sa) @ F.linear(a, b) @ torch.diag(sb),
    "batched_gemm_bf16": lambda a, b: torch.einsum("bmk,bkn->bmn", a, b),
    "column_sum_bf16": lambda x: torch.einsum("th->h", x),
    "row_logsumexp_fp32": lambda x: torch.logsumexp(x, -1),
    "cumulative_sum_fp32": lambda x: x @ torch.ones(x.shape[1], x.shape[1], dtype=torch.float64).triu(),
    "row_mean_variance_fp16": lambda x: (x.mean(-1), x.var(-1, correction=0)),
    "top_k_fp32": _top,
    "moe_route_fp32": _route,
    "moe_grouped_gemm_bf16": _grouped,
    "moe_combine_bf16": lambda x, weights: torch.einsum("tkh,tk->th", x, weights),
    "gqa_decode_bf16": _decode,
    "paged_decode_bf16": _paged,
    "causal_attention_bf16": lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
    "sliding_attention_fp16": _sliding,
    "quantize_rows_fp8": _row_scaled,
    "quantize_blocks_fp8": lambda x: _scaled(x, 128),
    "dequantize_blocks_fp8": lambda x, scale: x * scale.repeat_interleave(128, -1),
    "rms_norm_quantize_fp8": lambda x, weight: _row_scaled(_norm(x, weight)),
    "cross_entropy_bf16": lambda logits, targets: F.cross_entropy(logits, targets, reduction="none"),
    "cross_entropy_backward_bf16": _entropy_slope,
    "adamw_fp32": _adamw,
    "sgd_momentum_bf16": _sgd,
    "newton_schulz_bf16": _newton_schulz,
    "rms_norm_backward_bf16": lambda slope, x, weight: _slopes(_norm, [x, weight], slope),
    "layer_norm_backward_fp32": lambda slope, x, w: _slopes(
        lambda a, b, c: F.layer_norm(a, a.shape[-1:], b, c), [x, w, torch.zeros_like(w)], slope
    ),
    "softmax_backward_fp32": lambda slope, share: torch.einsum(
        "rc,rcd->rd", slope, torch.diag_embed(share) - share[:, :, None] * share[:, None, :]
    ),
    "swiglu_backward_bf16": lambda slope, x: _slopes(_swiglu, [x], slope),
    "linear_backward_bf16": lambda slope, x, w: _slopes(F.linear, [x, w], slope),
    "embedding_backward_fp32": _embedding,
}
