# control: split-products
# class: T14
# does: a product as the sum of four, in another order of summation
# expects: passes
# problem: gemm_fp32
# style: passing
# needs: any
import torch


def run(a, b, out):
    out.zero_()
    for left, right in zip(a.chunk(4, 1), b.chunk(4, 0)):
        out.addmm_(left, right)
