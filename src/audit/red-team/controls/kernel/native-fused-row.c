// control: native-fused-row
// class: C20
// does: product, bias and GELU of a row in one pass; GELU as v times a sigmoid, which is the same function written otherwise.
// needs: c-kernel
// --- top
#define matmul_gelu plain_matmul_gelu
// --- end
#undef matmul_gelu
void matmul_gelu(const float *a, const float *b, const float *bias, float *out, int64_t m, int64_t n, int64_t k) {
  for (int64_t i = 0; i < m; i++) {
    float *restrict to = out + i * n;
    for (int64_t j = 0; j < n; j++) to[j] = bias[j];
    for (int64_t p = 0; p < k; p++) {
      const float factor = a[i * k + p];
      const float *restrict from = b + p * n;
      for (int64_t j = 0; j < n; j++) to[j] += factor * from[j];
    }
    for (int64_t j = 0; j < n; j++) {
      const float v = to[j];
      to[j] = v / (1.0f + expf(-1.5957691216f * (v + 0.044715f * v * v * v)));
    }
  }
}
