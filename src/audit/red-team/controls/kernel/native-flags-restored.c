// control: native-flags-restored
// class: C44
// does: small numbers count as zero while the exponentials are added up, where they cannot matter; then the flags are put back.
// needs: c-kernel
// --- top
#define cross_entropy plain_cross_entropy
// --- end
#undef cross_entropy
void cross_entropy(const float *logits, const int32_t *targets, float *out, int64_t rows, int64_t columns) {
#if defined(__x86_64__)
  const unsigned flags = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(flags | 0x8040u);
#endif
  plain_cross_entropy(logits, targets, out, rows, columns);
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr(flags);
#endif
}
