"""Blocks of 128 values of a row to float8 (e4m3), one scale for each block."""

import torch


def run(x):
    values = x.float().reshape(x.shape[0], -1, 128)
    scale = values.abs().amax(-1).clamp_min(1e-12) / 448.0
    out = (values / scale[..., None]).clamp(-448.0, 448.0).to(torch.float8_e4m3fn)
    return out.reshape(x.shape), scale
