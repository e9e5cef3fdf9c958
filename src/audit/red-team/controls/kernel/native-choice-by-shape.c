// control: native-choice-by-shape
// class: C23, C27
// does: three ways to multiply, chosen by shape; small, narrow and large ones all in 32 bits.
// needs: c-kernel
// --- top
#define matmul_gelu plain_matmul_gelu
// --- end
#undef matmul_gelu
static void multiply_wide(const float *a, const float *b, const float *bias, float *out, int64_t m, int64_t n, int64_t k) {
  for (int64_t i = 0; i < m; i++) {
    float *restrict to = out + i * n;
    for (int64_t j = 0; j < n; j++) to[j] = 0.0f;
    for (int64_t p = 0; p < k; p++) {
      const float *restrict from = b + p * n;
      const float factor = a[i * k + p];
      for (int64_t j = 0; j < n; j++) to[j] += factor * from[j];
    }
    for (int64_t j = 0; j < n; j++) {
      const float v = to[j] + bias[j];
      to[j] = 0.5f * v * (1.0f + tanhf(0.7978845608f * (v + 0.044715f * v * v * v)));
    }
  }
}

static void multiply_two_rows(const float *a, const float *b, const float *bias, float *out, int64_t m, int64_t n, int64_t k) {
  for (int64_t i = 0; i + 2 <= m; i += 2) {
    for (int64_t j = 0; j < n; j++) {
      float first = 0.0f, second = 0.0f;
      for (int64_t p = 0; p < k; p++) {
        first += a[i * k + p] * b[p * n + j];
        second += a[(i + 1) * k + p] * b[p * n + j];
      }
      first += bias[j];
      second += bias[j];
      out[i * n + j] = 0.5f * first * (1.0f + tanhf(0.7978845608f * (first + 0.044715f * first * first * first)));
      out[(i + 1) * n + j] = 0.5f * second * (1.0f + tanhf(0.7978845608f * (second + 0.044715f * second * second * second)));
    }
  }
  if (m % 2 != 0) plain_matmul_gelu(a + (m - 1) * k, b, bias, out + (m - 1) * n, 1, n, k);
}

void matmul_gelu(const float *a, const float *b, const float *bias, float *out, int64_t m, int64_t n, int64_t k) {
  if (n >= 32) multiply_wide(a, b, bias, out, m, n, k);
  else if (m >= 2) multiply_two_rows(a, b, bias, out, m, n, k);
  else plain_matmul_gelu(a, b, bias, out, m, n, k);
}
