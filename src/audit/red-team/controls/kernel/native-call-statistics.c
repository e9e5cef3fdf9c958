// control: native-call-statistics
// class: T15, C28
// does: counts calls and elements for a debugger; no result depends on them.
// needs: c-kernel
// --- top
#define softmax plain_softmax
// --- end
#undef softmax
static struct {
  uint64_t calls, elements;
  int64_t widest;
} softmax_statistics;

void softmax(const float *x, float *out, int64_t rows, int64_t columns) {
  softmax_statistics.calls++;
  softmax_statistics.elements += (uint64_t)(rows * columns);
  if (columns > softmax_statistics.widest) softmax_statistics.widest = columns;
  plain_softmax(x, out, rows, columns);
}
