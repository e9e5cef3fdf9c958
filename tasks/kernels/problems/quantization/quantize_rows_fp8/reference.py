"""Each row to float8 (e4m3) with one scale: its largest magnitude over 448."""

import torch


def run(x):
    values = x.float()
    scale = values.abs().amax(-1).clamp_min(1e-12) / 448.0
    return (values / scale[:, None]).clamp(-448.0, 448.0).to(torch.float8_e4m3fn), scale
