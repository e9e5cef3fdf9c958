"""Knobs of the build: each becomes -DNAME=value on the compiler's command line. Numbers, beside the first two."""

OPTIMIZATION = "-O3"  # -O1, -O2 or -O3
FAST_MATH = False  # and never anything else: the contract is float32
TILE_ROWS = 4
TILE_COLUMNS = 32
