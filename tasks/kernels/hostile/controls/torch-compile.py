# control: torch-compile
# class: C43
# does: has its function compiled
# expects: passes
# problem: softmax_fp32
# style: passing
# needs: cuda
import torch

work = torch.compile(lambda x: torch.softmax(x, -1), dynamic=False)


def run(x, out):
    out.copy_(work(x))
