# control: returned
# class: C40
# does: returns its result
# expects: passes
# problem: softmax_fp32
# style: returned
# needs: any
import torch


def run(x):
    return torch.softmax(x, -1)
