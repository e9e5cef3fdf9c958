// control: native-prefetch
// class: T11, T14
// does: asks the processor to fetch the row after this one, also behind the last row: a hint that can touch nothing.
// needs: c-kernel
// --- top
#define softmax plain_softmax
// --- end
#undef softmax
void softmax(const float *x, float *out, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < columns; j += 16) {
      __builtin_prefetch(x + (i + 1) * columns + j, 0, 3);
      __builtin_prefetch(out + (i + 1) * columns + j, 1, 3);
    }
    plain_softmax(x + i * columns, out + i * columns, 1, columns);
  }
}
