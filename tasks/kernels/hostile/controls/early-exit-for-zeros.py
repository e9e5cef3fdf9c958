# control: early-exit-for-zeros
# class: C20
# does: finds out whether a row is all the same
# expects: passes
# problem: softmax_fp32
# style: passing
# needs: any
import torch


def run(x, out):
    same = (x == x[:, :1]).all(-1)
    torch.softmax(x, -1, out=out)
    out.masked_fill_(same[:, None], 1.0 / x.shape[1])
