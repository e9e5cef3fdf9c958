// control: native-fused-multiply-add
// class: T19, C28
// does: AVX2 with fused multiply and add where the processor has it, asked for at each call; the plain code elsewhere.
// needs: c-kernel
// --- top
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#define matmul_gelu plain_matmul_gelu
// --- end
#undef matmul_gelu
#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void product_avx2(const float *a, const float *b, const float *bias, float *out,
                                                             int64_t m, int64_t n, int64_t k) {
  for (int64_t i = 0; i < m; i++) {
    int64_t j = 0;
    for (; j + 16 <= n; j += 16) {
      __m256 low = _mm256_loadu_ps(bias + j), high = _mm256_loadu_ps(bias + j + 8);
      for (int64_t p = 0; p < k; p++) {
        const __m256 factor = _mm256_set1_ps(a[i * k + p]);
        low = _mm256_fmadd_ps(factor, _mm256_loadu_ps(b + p * n + j), low);
        high = _mm256_fmadd_ps(factor, _mm256_loadu_ps(b + p * n + j + 8), high);
      }
      _mm256_storeu_ps(out + i * n + j, low);
      _mm256_storeu_ps(out + i * n + j + 8, high);
    }
    for (; j < n; j++) {
      float sum = bias[j];
      for (int64_t p = 0; p < k; p++) sum += a[i * k + p] * b[p * n + j];
      out[i * n + j] = sum;
    }
  }
  for (int64_t i = 0; i < m * n; i++) {
    const float v = out[i];
    out[i] = 0.5f * v * (1.0f + tanhf(0.7978845608f * (v + 0.044715f * v * v * v)));
  }
}
#endif

void matmul_gelu(const float *a, const float *b, const float *bias, float *out, int64_t m, int64_t n, int64_t k) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    product_avx2(a, b, bias, out, m, n, k);
    return;
  }
#endif
  plain_matmul_gelu(a, b, bias, out, m, n, k);
}
