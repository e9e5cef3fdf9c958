// control: native-memory-each-call
// class: C10
// does: takes and gives back memory in each call, often the same block: nothing of an earlier call is read from it.
// needs: c-kernel
// --- top
#define softmax plain_softmax
// --- end
#undef softmax
#include <stdlib.h>

void softmax(const float *x, float *out, int64_t rows, int64_t columns) {
  double *powers = malloc((size_t)columns * sizeof(double));
  if (powers == NULL) {
    plain_softmax(x, out, rows, columns);
    return;
  }
  for (int64_t i = 0; i < rows; i++) {
    const float *in = x + i * columns;
    float largest = in[0];
    double sum = 0.0;
    for (int64_t j = 1; j < columns; j++) largest = in[j] > largest ? in[j] : largest;
    for (int64_t j = 0; j < columns; j++) sum += powers[j] = exp((double)in[j] - largest);
    for (int64_t j = 0; j < columns; j++) out[i * columns + j] = (float)(powers[j] / sum);
  }
  free(powers);
}
