"""Square of ReLU, times a mask of kept places and the inverse of the share kept, float16."""

import torch


def run(x, keep):
    positive = torch.relu(x.float())
    return (positive * positive * keep * 1.25).to(x.dtype)
