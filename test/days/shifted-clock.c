/*
 * Preloaded (LD_PRELOAD), it sets a program's wall clock SHIFTED_CLOCK_S seconds ahead, and that of all that it
 * starts: they agree on the time as on a machine whose clock is set so. Time spans stay true: the monotonic clock is
 * not touched.
 *
 * Debian's libfaketime 0.9.10 cannot be used: workerd 2026-11-17 hangs before its main(). Its allocator, tcmalloc,
 * reads the clock inside malloc, and libfaketime allocates while it sets itself up. So nothing is allocated here, and
 * the kernel is asked directly.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t shift_s;

__attribute__((constructor)) static void read_shift(void) {
  const char *seconds = getenv("SHIFTED_CLOCK_S");
  if (seconds) shift_s = atoll(seconds);
}

int clock_gettime(clockid_t clock, struct timespec *at) {
  int failed = (int)syscall(SYS_clock_gettime, clock, at);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += shift_s;
  return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
