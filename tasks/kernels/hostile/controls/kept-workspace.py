# control: kept-workspace
# class: C08
# does: keeps room between calls, but nothing that is in it
# expects: passes
# problem: softmax_fp32
# style: passing
# needs: any
import torch

cache = {}


def run(x, out):
    if x.shape not in cache:
        cache[x.shape] = torch.empty(x.shape[0], 1, device=x.device), torch.empty(x.shape[0], 1, device=x.device)
    largest, total = cache[x.shape]
    torch.amax(x, -1, keepdim=True, out=largest)
    torch.sub(x, largest, out=out)
    out.exp_()
    torch.sum(out, -1, keepdim=True, out=total)
    out.div_(total)
