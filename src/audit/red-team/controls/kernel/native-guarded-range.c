// control: native-guarded-range
// class: C24
// does: looks at all elements of a row; where they lie close together, a series is exact enough and needs no reduction, else libm.
// needs: c-kernel
// --- top
#define softmax plain_softmax
// --- end
#undef softmax
static float short_range_exponential(float x) {
  const double r = x;
  return (float)(1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * (1.0 / 720 + r / 5040)))))));
}

void softmax(const float *x, float *out, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) {
    const float *in = x + i * columns;
    float *to = out + i * columns;
    float largest = in[0], smallest = in[0], sum = 0.0f;
    for (int64_t j = 1; j < columns; j++) {
      largest = in[j] > largest ? in[j] : largest;
      smallest = in[j] < smallest ? in[j] : smallest;
    }
    if (largest - smallest < 0.5f)
      for (int64_t j = 0; j < columns; j++) sum += to[j] = short_range_exponential(in[j] - largest);
    else
      for (int64_t j = 0; j < columns; j++) sum += to[j] = expf(in[j] - largest);
    for (int64_t j = 0; j < columns; j++) to[j] /= sum;
  }
}
