// control: native-skipped-zeros
// class: C24, C26
// does: leaves out factors that are exactly zero: time depends on the content, the answer does not.
// needs: c-kernel
// --- top
#define matmul_gelu plain_matmul_gelu
// --- end
#undef matmul_gelu
void matmul_gelu(const float *a, const float *b, const float *bias, float *out, int64_t m, int64_t n, int64_t k) {
  for (int64_t i = 0; i < m; i++) {
    float *to = out + i * n;
    for (int64_t j = 0; j < n; j++) to[j] = bias[j];
    for (int64_t p = 0; p < k; p++) {
      const float factor = a[i * k + p];
      if (factor == 0.0f) continue;
      for (int64_t j = 0; j < n; j++) to[j] += factor * b[p * n + j];
    }
    for (int64_t j = 0; j < n; j++) to[j] = 0.5f * to[j] * (1.0f + tanhf(0.7978845608f * (to[j] + 0.044715f * to[j] * to[j] * to[j])));
  }
}
