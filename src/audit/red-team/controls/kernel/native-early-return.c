// control: native-early-return
// class: T12, C13
// does: returns at once where there is nothing to do, and answers a single column without any exponential: it is one.
// needs: c-kernel
// --- top
#define softmax plain_softmax
// --- end
#undef softmax
void softmax(const float *x, float *out, int64_t rows, int64_t columns) {
  if (rows == 0 || columns == 0) return;
  if (columns == 1) {
    for (int64_t i = 0; i < rows; i++) out[i] = 1.0f;
    return;
  }
  plain_softmax(x, out, rows, columns);
}
