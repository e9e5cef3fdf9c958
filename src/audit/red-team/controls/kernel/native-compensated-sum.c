// control: native-compensated-sum
// class: C22
// does: sums in float with the lost low part carried along: more exact than asked for.
// needs: c-kernel
// --- top
#define rms_norm plain_rms_norm
// --- end
#undef rms_norm
void rms_norm(const float *x, const float *weight, float *out, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) {
    const float *in = x + i * columns;
    float sum = 0.0f, lost = 0.0f;
    for (int64_t j = 0; j < columns; j++) {
      const float term = in[j] * in[j] - lost;
      const float next = sum + term;
      lost = (next - sum) - term;
      sum = next;
    }
    const float root = sqrtf(sum / (float)columns + 1e-6f);
    for (int64_t j = 0; j < columns; j++) out[i * columns + j] = in[j] / root * weight[j];
  }
}
