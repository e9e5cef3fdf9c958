// control: native-round-sizes
// class: C27, C23
// does: a path of its own where columns are a multiple of 16, and one that is right for every other number.
// needs: c-kernel
// --- top
#define rms_norm plain_rms_norm
// --- end
#undef rms_norm
void rms_norm(const float *x, const float *weight, float *out, int64_t rows, int64_t columns) {
  if (columns % 16 != 0) {
    plain_rms_norm(x, weight, out, rows, columns);
    return;
  }
  for (int64_t i = 0; i < rows; i++) {
    const float *restrict in = x + i * columns;
    float *restrict to = out + i * columns;
    float sums[16] = {0.0f};
    for (int64_t j = 0; j < columns; j += 16)
      for (int lane = 0; lane < 16; lane++) sums[lane] += in[j + lane] * in[j + lane];
    float sum = 0.0f;
    for (int lane = 0; lane < 16; lane++) sum += sums[lane];
    const float inverse = 1.0f / sqrtf(sum / (float)columns + 1e-6f);
    for (int64_t j = 0; j < columns; j++) to[j] = in[j] * inverse * weight[j];
  }
}
