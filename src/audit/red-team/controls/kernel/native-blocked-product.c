// control: native-blocked-product
// class: C08
// does: the product in blocks that fit the cache, several times faster than the plain one.
// needs: c-kernel
// --- top
#define matmul_gelu plain_matmul_gelu
// --- end
#undef matmul_gelu
#include <math.h>

enum { DEPTH_BLOCK = 128, WIDTH_BLOCK = 256 };

void matmul_gelu(const float *a, const float *b, const float *bias, float *out, int64_t m, int64_t n, int64_t k) {
  for (int64_t i = 0; i < m * n; i++) out[i] = bias[i % n];
  for (int64_t p0 = 0; p0 < k; p0 += DEPTH_BLOCK) {
    const int64_t p1 = p0 + DEPTH_BLOCK < k ? p0 + DEPTH_BLOCK : k;
    for (int64_t j0 = 0; j0 < n; j0 += WIDTH_BLOCK) {
      const int64_t j1 = j0 + WIDTH_BLOCK < n ? j0 + WIDTH_BLOCK : n;
      for (int64_t i = 0; i < m; i++) {
        float *restrict to = out + i * n;
        for (int64_t p = p0; p < p1; p++) {
          const float factor = a[i * k + p];
          const float *restrict from = b + p * n;
          for (int64_t j = j0; j < j1; j++) to[j] += factor * from[j];
        }
      }
    }
  }
  for (int64_t i = 0; i < m * n; i++) {
    const float v = out[i];
    out[i] = 0.5f * v * (1.0f + tanhf(0.7978845608f * (v + 0.044715f * v * v * v)));
  }
}
