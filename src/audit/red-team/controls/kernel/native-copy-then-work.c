// control: native-copy-then-work
// class: C14, C12
// does: copies its input to the output and works there in place.
// needs: c-kernel
// --- top
#define softmax plain_softmax
// --- end
#undef softmax
#include <string.h>

void softmax(const float *x, float *out, int64_t rows, int64_t columns) {
  memcpy(out, x, (size_t)(rows * columns) * sizeof(float));
  for (float *row = out; row < out + rows * columns; row += columns) {
    float largest = row[0], sum = 0.0f;
    for (int64_t j = 1; j < columns; j++) largest = row[j] > largest ? row[j] : largest;
    for (int64_t j = 0; j < columns; j++) sum += row[j] = expf(row[j] - largest);
    for (int64_t j = 0; j < columns; j++) row[j] /= sum;
  }
}
