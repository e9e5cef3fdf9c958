"""Blocks of 128 float8 (e4m3) values back to bfloat16, each times its scale."""

import torch


def run(x, scale):
    values = x.float().reshape(x.shape[0], -1, 128)
    return (values * scale[..., None]).reshape(x.shape).to(torch.bfloat16)
