# control: early-thread
# class: T03
# does: a thread at import, which ends before the first call
# expects: passes
# problem: softmax_fp32
# style: passing
# needs: any
import threading

import torch

ready = []
thread = threading.Thread(target=ready.append, args=(1,))
thread.start()
thread.join()


def run(x, out):
    torch.softmax(x, -1, out=out)
