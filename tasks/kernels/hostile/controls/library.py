# control: library
# class: C34
# does: calls the library, which is within the contract
# expects: passes
# problem: softmax_fp32
# style: passing
# needs: any
import torch


def run(x, out):
    torch.softmax(x, -1, out=out)
