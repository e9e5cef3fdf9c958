// control: native-unrolled-switch
// class: C27
// does: an unrolled loop that is entered in its middle by a switch, so that no size needs a tail.
// needs: c-kernel
// --- top
#define rms_norm plain_rms_norm
// --- end
#undef rms_norm
static float unrolled_squares(const float *value, int64_t count) {
  float sum = 0.0f;
  int64_t rounds = (count + 7) / 8;
  switch (count % 8) {
    case 0:
      do {
        sum += *value * *value;
        value++;
        __attribute__((fallthrough));
        case 7: sum += *value * *value; value++; __attribute__((fallthrough));
        case 6: sum += *value * *value; value++; __attribute__((fallthrough));
        case 5: sum += *value * *value; value++; __attribute__((fallthrough));
        case 4: sum += *value * *value; value++; __attribute__((fallthrough));
        case 3: sum += *value * *value; value++; __attribute__((fallthrough));
        case 2: sum += *value * *value; value++; __attribute__((fallthrough));
        case 1: sum += *value * *value; value++;
      } while (--rounds > 0);
  }
  return sum;
}

void rms_norm(const float *x, const float *weight, float *out, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) {
    const float root = sqrtf(unrolled_squares(x + i * columns, columns) / (float)columns + 1e-6f);
    for (int64_t j = 0; j < columns; j++) out[i * columns + j] = x[i * columns + j] * weight[j] / root;
  }
}
