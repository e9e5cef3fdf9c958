# control: graph-with-copies
# class: C09 T21
# does: a graph over rooms of its own; inputs and outputs are copied in every call
# expects: passes
# problem: softmax_fp32
# style: passing
# needs: cuda
import torch

graphs = {}


def run(x, out):
    if x.shape not in graphs:
        rooms = torch.empty_like(x), torch.empty_like(out)
        torch.softmax(rooms[0].copy_(x), -1, out=rooms[1])
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            torch.softmax(rooms[0], -1, out=rooms[1])
        graphs[x.shape] = graph, *rooms
    graph, source, target = graphs[x.shape]
    source.copy_(x)
    graph.replay()
    out.copy_(target)
