# control: choice-by-shape
# class: C23 C27
# does: another way for wide rows, both exact
# expects: passes
# problem: softmax_fp32
# style: passing
# needs: any
import torch


def run(x, out):
    if x.shape[1] > 2048:
        torch.exp(x - torch.logsumexp(x, -1, keepdim=True), out=out)
    else:
        torch.softmax(x, -1, out=out)
