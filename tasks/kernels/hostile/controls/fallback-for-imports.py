# control: fallback-for-imports
# class: C32
# does: a branch for what may be missing
# expects: passes
# problem: softmax_fp32
# style: passing
# needs: any
import torch

try:
    import a_faster_library as library
except ImportError:
    library = None


def run(x, out):
    if library is not None:
        library.softmax(x, out)
    else:
        torch.softmax(x, -1, out=out)
