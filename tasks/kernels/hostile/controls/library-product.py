# control: library-product
# class: C34
# does: calls the library's float32 product
# expects: passes
# problem: gemm_fp32
# style: passing
# needs: any
import torch


def run(a, b, out):
    torch.matmul(a, b, out=out)
