// control: native-online-softmax
// class: C31
// does: largest element and sum in one pass, the sum scaled down whenever a larger element comes.
// needs: c-kernel
// --- top
#define softmax plain_softmax
// --- end
#undef softmax
void softmax(const float *x, float *out, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) {
    const float *in = x + i * columns;
    float largest = in[0];
    double sum = 1.0;
    for (int64_t j = 1; j < columns; j++) {
      if (in[j] > largest) {
        sum = sum * exp((double)largest - in[j]) + 1.0;
        largest = in[j];
      } else {
        sum += expf(in[j] - largest);
      }
    }
    for (int64_t j = 0; j < columns; j++) out[i * columns + j] = (float)(expf(in[j] - largest) / sum);
  }
}
