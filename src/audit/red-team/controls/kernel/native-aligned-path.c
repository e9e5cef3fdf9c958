// control: native-aligned-path
// class: C01
// does: looks at the addresses: a vector path where they are multiples of 32, single floats elsewhere. The content decides the result.
// needs: c-kernel
// --- top
#define rms_norm plain_rms_norm
// --- end
#undef rms_norm
typedef float aligned_eight __attribute__((vector_size(32), may_alias));

void rms_norm(const float *x, const float *weight, float *out, int64_t rows, int64_t columns) {
  const int is_aligned = (((uintptr_t)x | (uintptr_t)weight | (uintptr_t)out) & 31) == 0 && columns % 8 == 0;
  if (!is_aligned) {
    plain_rms_norm(x, weight, out, rows, columns);
    return;
  }
  for (int64_t i = 0; i < rows; i++) {
    const aligned_eight *in = (const aligned_eight *)(x + i * columns);
    const aligned_eight *weights = (const aligned_eight *)weight;
    aligned_eight *to = (aligned_eight *)(out + i * columns), sums = {0};
    for (int64_t j = 0; j < columns / 8; j++) sums += in[j] * in[j];
    float sum = 0.0f;
    for (int lane = 0; lane < 8; lane++) sum += sums[lane];
    const float root = sqrtf(sum / (float)columns + 1e-6f);
    for (int64_t j = 0; j < columns / 8; j++) to[j] = in[j] * weights[j] / root;
  }
}
