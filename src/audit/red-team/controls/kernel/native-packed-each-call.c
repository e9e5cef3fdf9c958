// control: native-packed-each-call
// class: C08
// does: transposes b into static memory anew in each call, whatever its address, and multiplies rows by rows.
// needs: c-kernel
// --- top
#define matmul_gelu plain_matmul_gelu
// --- end
#undef matmul_gelu
#include <stdlib.h>

void matmul_gelu(const float *a, const float *b, const float *bias, float *out, int64_t m, int64_t n, int64_t k) {
  static float *transposed;
  static int64_t capacity;
  if (n * k > capacity) {
    free(transposed);
    transposed = malloc((size_t)(n * k) * sizeof(float));
    capacity = transposed != NULL ? n * k : 0;
  }
  if (transposed == NULL) {
    plain_matmul_gelu(a, b, bias, out, m, n, k);
    return;
  }
  for (int64_t p = 0; p < k; p++)
    for (int64_t j = 0; j < n; j++) transposed[j * k + p] = b[p * n + j];
  for (int64_t i = 0; i < m; i++) {
    for (int64_t j = 0; j < n; j++) {
      const float *restrict left = a + i * k, *restrict right = transposed + j * k;
      float sums[4] = {0.0f};
      int64_t p = 0;
      for (; p + 4 <= k; p += 4)
        for (int lane = 0; lane < 4; lane++) sums[lane] += left[p + lane] * right[p + lane];
      for (; p < k; p++) sums[0] += left[p] * right[p];
      const float v = sums[0] + sums[1] + (sums[2] + sums[3]) + bias[j];
      out[i * n + j] = 0.5f * v * (1.0f + tanhf(0.7978845608f * (v + 0.044715f * v * v * v)));
    }
  }
}
