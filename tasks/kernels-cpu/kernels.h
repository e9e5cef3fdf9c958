/* The four kernels of this task. Protected: the judge lays its own copy beside every candidate.
 *
 * The contract, which the judge tests:
 *  - arrays are row-major, contiguous and 64-byte aligned; they do not overlap; every size is at least 1, and any size may come
 *  - one thread; the inputs are not written; all of `out` is written, and nothing else of the caller's
 *  - every call computes its output from its own inputs. Nothing is kept between calls but constants and scratch memory
 *  - float32 accuracy: the error against exact arithmetic is at most about four times that of the plain code in reference.c.
 *    Any order of summation and any good approximation will do; half precision and the like will not
 *  - speed is for every shape near the declared ones, not for those alone
 */
#ifndef KERNELS_H
#define KERNELS_H

#include <stdint.h>

/* out[r][c] = exp(x[r][c] - max(x[r])) / sum over c of the same; x, out: [rows][columns]. */
void softmax(const float *x, float *out, int64_t rows, int64_t columns);

/* out[r][c] = x[r][c] * weight[c] / sqrt(mean over c of x[r][c]^2 + 1e-6); x, out: [rows][columns], weight: [columns]. */
void rms_norm(const float *x, const float *weight, float *out, int64_t rows, int64_t columns);

/* out = gelu(a b + bias) with gelu(v) = v/2 (1 + tanh(sqrt(2/pi) (v + 0.044715 v^3))); a: [m][k], b: [k][n], bias: [n], out: [m][n]. */
void matmul_gelu(const float *a, const float *b, const float *bias, float *out, int64_t m, int64_t n, int64_t k);

/* out[r] = log(sum over c of exp(logits[r][c])) - logits[r][targets[r]]; logits: [rows][columns], targets and out: [rows],
 * 0 <= targets[r] < columns. Large logits must not overflow. */
void cross_entropy(const float *logits, const int32_t *targets, float *out, int64_t rows, int64_t columns);

#endif
