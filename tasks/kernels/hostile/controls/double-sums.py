# control: double-sums
# class: C22
# does: more precision than is asked for
# expects: passes
# problem: softmax_fp32
# style: passing
# needs: any
import torch


def run(x, out):
    shifted = torch.exp(x - x.amax(-1, keepdim=True))
    torch.div(shifted, shifted.sum(-1, keepdim=True, dtype=torch.float64).float(), out=out)
