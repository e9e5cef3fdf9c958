"""Sum over the experts of each token, weighted, bfloat16 with sums in float32."""


def run(x, weights):
    return (x.float() * weights[..., None]).sum(1).to(x.dtype)
