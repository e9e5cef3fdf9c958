// control: native-vector-types
// class: C22
// does: the compiler's vector types, eight floats at once, with a tail of single ones.
// needs: c-kernel
// --- top
#define rms_norm plain_rms_norm
// --- end
#undef rms_norm
#include <math.h>
#include <string.h>

typedef float eight_floats __attribute__((vector_size(32)));

void rms_norm(const float *x, const float *weight, float *out, int64_t rows, int64_t columns) {
  const int64_t whole = columns & ~(int64_t)7;
  for (int64_t i = 0; i < rows; i++) {
    const float *in = x + i * columns;
    float *to = out + i * columns;
    eight_floats sums = {0}, values, weights;
    for (int64_t j = 0; j < whole; j += 8) {
      memcpy(&values, in + j, sizeof values);
      sums += values * values;
    }
    float sum = 0.0f;
    for (int lane = 0; lane < 8; lane++) sum += sums[lane];
    for (int64_t j = whole; j < columns; j++) sum += in[j] * in[j];
    const float inverse = 1.0f / sqrtf(sum / (float)columns + 1e-6f);
    for (int64_t j = 0; j < whole; j += 8) {
      memcpy(&values, in + j, sizeof values);
      memcpy(&weights, weight + j, sizeof weights);
      values = values * inverse * weights;
      memcpy(to + j, &values, sizeof values);
    }
    for (int64_t j = whole; j < columns; j++) to[j] = in[j] * inverse * weight[j];
  }
}
