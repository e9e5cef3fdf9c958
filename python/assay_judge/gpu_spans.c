// Spans of the work on the device as CUPTI records them: a third clock beside events and the judge's own.
//
//   gcc -O2 -shared -fPIC -I<cuda>/include gpu_spans.c -o gpu_spans.so <folder>/libcupti.so.13
//
// Built and loaded by gpu_kernel_spans.py. Not thread-safe: one start, one stop, with the device idle at both.
#include <cupti.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef KERNEL_RECORD
#define KERNEL_RECORD CUpti_ActivityKernel9
#endif
enum { BUFFER_BYTES = 1 << 22, MOST_NAMES = 64, MOST_STREAMS = 64 };

static uint64_t first, last, busy, kernels, copies;
static uint32_t streams[MOST_STREAMS];
static int stream_count, name_count, registered, dropped;
static struct {
  char name[120];
  uint64_t busy, count;
} names[MOST_NAMES];

static void CUPTIAPI give_buffer(uint8_t **buffer, size_t *size, size_t *most) {
  *size = BUFFER_BYTES;
  *buffer = aligned_alloc(64, BUFFER_BYTES);
  *most = 0;
}

static void saw(uint64_t start, uint64_t end, uint32_t stream, const char *name) {
  if (start == 0 || end < start) return;
  if (start < first) first = start;
  if (end > last) last = end;
  busy += end - start;
  int at = 0;
  while (at < stream_count && streams[at] != stream) at++;
  if (at == stream_count && at < MOST_STREAMS) streams[stream_count++] = stream;
  for (at = 0; at < name_count && strncmp(names[at].name, name, sizeof names[at].name - 1) != 0; at++) {
  }
  if (at == MOST_NAMES) return;
  if (at == name_count) {
    snprintf(names[at].name, sizeof names[at].name, "%s", name);
    names[at].busy = names[at].count = 0;
    name_count++;
  }
  names[at].busy += end - start;
  names[at].count++;
}

static void CUPTIAPI take_buffer(CUcontext context, uint32_t stream, uint8_t *buffer, size_t size, size_t valid) {
  CUpti_Activity *record = NULL;
  (void)size;
  while (valid > 0 && cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS) {
    if (record->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL || record->kind == CUPTI_ACTIVITY_KIND_KERNEL) {
      const KERNEL_RECORD *one = (const KERNEL_RECORD *)record;
      saw(one->start, one->end, one->streamId, one->name == NULL ? "?" : one->name);
      kernels++;
    } else if (record->kind == CUPTI_ACTIVITY_KIND_MEMCPY) {
      const COPY_RECORD *one = (const COPY_RECORD *)record;
      saw(one->start, one->end, one->streamId, "[copy]");
      copies++;
    } else if (record->kind == CUPTI_ACTIVITY_KIND_MEMSET) {
      const SET_RECORD *one = (const SET_RECORD *)record;
      saw(one->start, one->end, one->streamId, "[set]");
      copies++;
    }
  }
  size_t lost = 0;
  if (cuptiActivityGetNumDroppedRecords(context, stream, &lost) == CUPTI_SUCCESS) dropped += (int)lost;
  free(buffer);
}

// 0, or CUPTI's error.
int assay_spans_start(void) {
  CUptiResult result = CUPTI_SUCCESS;
  first = UINT64_MAX;
  last = busy = kernels = copies = 0;
  stream_count = name_count = dropped = 0;
  if (!registered) result = cuptiActivityRegisterCallbacks(give_buffer, take_buffer);
  if (result != CUPTI_SUCCESS) return result;
  registered = 1;
  result = cuptiActivityEnable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
  if (result == CUPTI_SUCCESS) result = cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMCPY);
  if (result == CUPTI_SUCCESS) result = cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMSET);
  return result;
}

// numbers: nanoseconds from first start to last end, nanoseconds of work, kernels, copies, streams, lost records.
int assay_spans_stop(double numbers[6]) {
  CUptiResult result = cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
  cuptiActivityDisable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
  cuptiActivityDisable(CUPTI_ACTIVITY_KIND_MEMCPY);
  cuptiActivityDisable(CUPTI_ACTIVITY_KIND_MEMSET);
  numbers[0] = last > first ? (double)(last - first) : 0;
  numbers[1] = (double)busy;
  numbers[2] = (double)kernels;
  numbers[3] = (double)copies;
  numbers[4] = stream_count;
  numbers[5] = dropped;
  return result;
}

// The name of a kernel, with its nanoseconds and its number; NULL behind the last.
const char *assay_spans_name(int at, double numbers[2]) {
  if (at < 0 || at >= name_count) return NULL;
  numbers[0] = (double)names[at].busy;
  numbers[1] = (double)names[at].count;
  return names[at].name;
}
