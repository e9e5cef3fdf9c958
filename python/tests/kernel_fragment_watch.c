/* Preloaded into the process that tries fragments: notes and refuses what they would open or connect to; notes threads.
 * `fragment_notes` is the descriptor for the notes; below zero nothing is noted and all is let through. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int fragment_notes = -1;

/* Writes one line; 1 if the caller is to be refused. */
static int note(const char *what, const char *about) {
  char line[600];
  if (fragment_notes < 0) return 0;
  const int length = snprintf(line, sizeof line, "%s %s\n", what, about);
  if (write(fragment_notes, line, (size_t)length) < 0) abort();
  return strncmp(about, "/dev/shm/kernel-answer", 22) != 0 && strcmp(about, "/proc/self/cmdline") != 0;
}

FILE *fopen(const char *path, const char *mode) {
  FILE *(*next)(const char *, const char *);
  *(void **)&next = dlsym(RTLD_NEXT, "fopen");
  if (note("opened", path)) return errno = EACCES, NULL;
  return next(path, mode);
}

int open(const char *path, int flags, ...) {
  int (*next)(const char *, int, ...);
  *(void **)&next = dlsym(RTLD_NEXT, "open");
  va_list rest;
  va_start(rest, flags);
  const int mode = flags & O_CREAT ? va_arg(rest, int) : 0;
  va_end(rest);
  if (note("opened", path)) return errno = EACCES, -1;
  return next(path, flags, mode);
}

int socket(int domain, int type, int protocol) {
  int (*next)(int, int, int);
  *(void **)&next = dlsym(RTLD_NEXT, "socket");
  if (note("socket", type & SOCK_DGRAM ? "datagram" : "stream")) return errno = EACCES, -1;
  return next(domain, type, protocol);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
  int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  *(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
  note("threads", "");
  return next(thread, attributes, start, argument);
}

/* Calls as a host does that has its reply ready on the stack. */
void call_with_reply(void (*kernel)(const void *, void *, int64_t, int64_t), const void *x, void *out, int64_t rows, int64_t columns) {
  volatile char reply[36] = "KR01";
  kernel(x, out, rows, columns);
  reply[4] = 1;
}
