"""Knobs of the build: each becomes -DNAME=value on the compiler's command line. Numbers, beside the first two."""

OPTIMIZATION = "-O2"  # -O1, -O2 or -O3
FAST_MATH = False  # and nothing else: the contract is float32
