# control: pieces
# class: T11
# does: many small launches
# expects: passes
# problem: softmax_fp32
# style: passing
# needs: any
import torch


def run(x, out):
    for source, target in zip(x.chunk(8), out.chunk(8)):
        torch.softmax(source, -1, out=target)
