"""Gradients of root-mean-square normalization: of its input in bfloat16, of its gain in float32."""

import torch


def run(slope, x, weight):
    values, back = x.float(), slope.float()
    scale = torch.rsqrt(values.square().mean(-1, keepdim=True) + 1e-6)
    normal = values * scale
    weighted = back * weight.float()
    dx = scale * (weighted - normal * (weighted * normal).mean(-1, keepdim=True))
    return dx.to(x.dtype), (back * normal).sum(0)
