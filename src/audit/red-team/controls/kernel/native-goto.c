// control: native-goto
// class: C46
// does: loops by goto.
// needs: c-kernel
// --- top
#define cross_entropy plain_cross_entropy
// --- end
#undef cross_entropy
void cross_entropy(const float *logits, const int32_t *targets, float *out, int64_t rows, int64_t columns) {
  int64_t i = 0, j;
  float largest, sum;
next_row:
  if (i == rows) goto finished;
  largest = logits[i * columns];
  sum = 0.0f;
  j = 1;
next_candidate:
  if (j >= columns) goto add_up;
  if (logits[i * columns + j] > largest) largest = logits[i * columns + j];
  j++;
  goto next_candidate;
add_up:
  for (j = 0; j < columns; j++) sum += expf(logits[i * columns + j] - largest);
  out[i] = logf(sum) - (logits[i * columns + targets[i]] - largest);
  i++;
  goto next_row;
finished:
  return;
}
