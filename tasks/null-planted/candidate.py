"""Only the PLANTED_ constants matter: each lowers the true metric by so many sigma."""

WIDTH = 64
DEPTH = 4
LEARNING_RATE = 0.001
MOMENTUM = 0.9
DROPOUT = 0.1
USE_BIAS = True
PLANTED_A = 0.0
PLANTED_B = 0.0
PLANTED_C = 0.0
PLANTED_D = 0.0
PLANTED_E = 0.0
PLANTED_F = 0.0
