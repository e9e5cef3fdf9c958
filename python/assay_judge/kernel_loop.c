/* Both ends of one call: what runs between the two readings of the judge's clock, beside the kernel itself.
 *
 * Trusted and small, so that a candidate that takes the host's end over gains nothing: there is nothing left to save. Compiled by the
 * judge, loaded by judge and host; kernel_protocol.py has the same layout and the same numbers.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CALL = 3, KERNELS = 5, ENDED = -1, LATE = -2, UNREAD = -3 };

struct __attribute__((packed)) request {
  char magic[4];
  uint64_t id;
  uint32_t operation, kernel;
  int64_t sizes[3];
  uint64_t places[4];
};

struct __attribute__((packed)) reply {
  char magic[4];
  uint64_t id;
  uint32_t status;
  int64_t wall, cpu;
  uint32_t text_bytes;
};

const int64_t request_bytes = sizeof(struct request), reply_bytes = sizeof(struct reply);

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* As much work for the caches as a kernel, with nothing of the candidate's. */
void stand_in(const void *from, void *to, int64_t bytes) {
  memcpy(to, from, (size_t)bytes);
}

typedef void two_arrays(void *, void *, int64_t, int64_t);
typedef void three_arrays(void *, void *, void *, int64_t, int64_t);
typedef void four_arrays(void *, void *, void *, void *, int64_t, int64_t, int64_t);

static void call(uint32_t kernel, void *function, void *const *at, const int64_t *sizes) {
  switch (kernel) {
    case 0: ((two_arrays *)function)(at[0], at[1], sizes[0], sizes[1]); return;
    case 2: ((four_arrays *)function)(at[0], at[1], at[2], at[3], sizes[0], sizes[1], sizes[2]); return;
    case 4: stand_in(at[0], at[1], sizes[0]); return;
    default: ((three_arrays *)function)(at[0], at[1], at[2], sizes[0], sizes[1]); return;
  }
}

/* The host's end: answers calls until something else comes. `kernels`: functions by number; NULL is not there yet.
 * 1: `request` holds what is not for this loop. 0: the stream ended. */
int answer_calls(int requests, int replies, char *area, void *const *kernels, struct request *request) {
  for (;;) {
    for (size_t got = 0; got < sizeof *request;) {
      const ssize_t count = read(requests, (char *)request + got, sizeof *request - got);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return 0;
      got += (size_t)count;
    }
    if (request->operation != CALL || request->kernel >= KERNELS || kernels[request->kernel] == NULL) return 1;
    const int64_t sizes[3] = {request->sizes[0], request->sizes[1], request->sizes[2]};
    void *at[4];
    for (int place = 0; place < 4; place++) at[place] = area + request->places[place];
    struct reply reply = {.magic = {'K', 'R', '0', '1'}, .id = request->id};
    const int64_t started = now();
    call(request->kernel, kernels[request->kernel], at, sizes);
    reply.wall = now() - started;
    // Shorter than PIPE_BUF: whole or not at all.
    while (write(replies, &reply, sizeof reply) < 0) {
      if (errno != EINTR) return 0;
    }
  }
}

/* The judge's end: nanoseconds from before the request is written until the head of the reply was read, or why there is none. */
int64_t ask(int to_host, int from_host, const struct request *request, struct reply *reply, int64_t most_nanoseconds) {
  const int64_t started = now();
  // EPIPE: what the host said before it ended is read below.
  if (write(to_host, request, sizeof *request) < 0 && errno != EPIPE) return UNREAD;
  for (size_t got = 0; got < sizeof *reply;) {
    const int64_t left = most_nanoseconds - (now() - started);
    struct pollfd waiting = {.fd = from_host, .events = POLLIN};
    if (left <= 0 || poll(&waiting, 1, (int)(left / 1000000 + 1)) == 0) return LATE;
    const ssize_t count = read(from_host, (char *)reply + got, sizeof *reply - got);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return ENDED;
    got += (size_t)count;
  }
  return now() - started;
}
