// control: native-restrict
// class: C22
// does: pointers that do not overlap and four running sums: the plain code, made easy for the compiler.
// needs: c-kernel
// --- top
#define rms_norm plain_rms_norm
// --- end
#undef rms_norm
#include <math.h>

void rms_norm(const float *x, const float *weight, float *out, int64_t rows, int64_t columns) {
  const float *restrict scale_of = weight;
  for (int64_t i = 0; i < rows; i++) {
    const float *restrict in = x + i * columns;
    float *restrict to = out + i * columns;
    float sum0 = 0.0f, sum1 = 0.0f, sum2 = 0.0f, sum3 = 0.0f;
    int64_t j = 0;
    for (; j + 4 <= columns; j += 4) {
      sum0 += in[j] * in[j];
      sum1 += in[j + 1] * in[j + 1];
      sum2 += in[j + 2] * in[j + 2];
      sum3 += in[j + 3] * in[j + 3];
    }
    for (; j < columns; j++) sum0 += in[j] * in[j];
    const float inverse = 1.0f / sqrtf((sum0 + sum1 + (sum2 + sum3)) / (float)columns + 1e-6f);
    for (j = 0; j < columns; j++) to[j] = in[j] * inverse * scale_of[j];
  }
}
