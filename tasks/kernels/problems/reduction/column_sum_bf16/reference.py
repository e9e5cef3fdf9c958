"""Sum over all rows, column by column: the gradient of a bias. bfloat16 in, float32 out."""


def run(x):
    return x.float().sum(0)
