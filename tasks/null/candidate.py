"""Nothing in here matters: the metric of this task is noise."""

WIDTH = 64
DEPTH = 4
LEARNING_RATE = 0.001
MOMENTUM = 0.9
DROPOUT = 0.1
USE_BIAS = True
