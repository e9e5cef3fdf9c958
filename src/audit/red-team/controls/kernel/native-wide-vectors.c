// control: native-wide-vectors
// class: T19, C23
// does: AVX-512 with a masked tail where the processor has it, the plain code elsewhere; chosen once, when the library is loaded.
// needs: c-kernel
// --- top
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#define rms_norm plain_rms_norm
// --- end
#undef rms_norm
static void (*chosen_rms_norm)(const float *, const float *, float *, int64_t, int64_t) = plain_rms_norm;

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void wide_rms_norm(const float *x, const float *weight, float *out, int64_t rows,
                                                             int64_t columns) {
  const __mmask16 rest = (__mmask16)((1u << (columns % 16)) - 1u);
  const int64_t whole = columns - columns % 16;
  for (int64_t i = 0; i < rows; i++) {
    const float *in = x + i * columns;
    __m512 sums = _mm512_setzero_ps();
    for (int64_t j = 0; j < whole; j += 16) {
      const __m512 v = _mm512_loadu_ps(in + j);
      sums = _mm512_fmadd_ps(v, v, sums);
    }
    const __m512 last = _mm512_maskz_loadu_ps(rest, in + whole);
    sums = _mm512_fmadd_ps(last, last, sums);
    const float inverse = 1.0f / sqrtf(_mm512_reduce_add_ps(sums) / (float)columns + 1e-6f);
    const __m512 factor = _mm512_set1_ps(inverse);
    float *to = out + i * columns;
    for (int64_t j = 0; j < whole; j += 16)
      _mm512_storeu_ps(to + j, _mm512_mul_ps(_mm512_mul_ps(_mm512_loadu_ps(in + j), factor), _mm512_loadu_ps(weight + j)));
    _mm512_mask_storeu_ps(to + whole, rest, _mm512_mul_ps(_mm512_mul_ps(last, factor), _mm512_maskz_loadu_ps(rest, weight + whole)));
  }
}

__attribute__((constructor)) static void choose_rms_norm(void) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) chosen_rms_norm = wide_rms_norm;
}
#endif

void rms_norm(const float *x, const float *weight, float *out, int64_t rows, int64_t columns) {
  chosen_rms_norm(x, weight, out, rows, columns);
}
