# control: waits-itself
# class: T06
# does: waits for the device in every call
# expects: passes
# problem: softmax_fp32
# style: passing
# needs: any
import torch


def run(x, out):
    torch.softmax(x, -1, out=out)
    if x.is_cuda:
        torch.cuda.synchronize()
