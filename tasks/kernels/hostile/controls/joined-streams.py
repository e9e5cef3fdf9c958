# control: joined-streams
# class: T01
# does: two streams, both joined
# expects: passes
# problem: softmax_fp32
# style: passing
# needs: cuda
import torch

others = [torch.cuda.Stream() for _ in range(2)] if torch.cuda.is_available() else []


def run(x, out):
    main = torch.cuda.current_stream()
    half = x.shape[0] // 2
    for part, stream in zip((slice(0, half), slice(half, None)), others):
        stream.wait_stream(main)
        with torch.cuda.stream(stream):
            torch.softmax(x[part], -1, out=out[part])
    for stream in others:
        main.wait_stream(stream)
