"""Product of two float32 matrices, sums in float32."""


def run(a, b):
    return a @ b
