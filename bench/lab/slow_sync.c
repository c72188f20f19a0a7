/* Loaded in front of a server (LD_PRELOAD): a disk that takes SYNC_US for each sync, without any other disk's moods. */
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

static int slow(void) {
    const char *us = getenv("SYNC_US");
    long ns = (us ? atol(us) : 1000) * 1000L;
    struct timespec left = {ns / 1000000000L, ns % 1000000000L};
    prctl(PR_SET_TIMERSLACK, 1000UL);
    return clock_nanosleep(CLOCK_MONOTONIC, 0, &left, 0);
}

int fsync(int fd) { return (void)fd, slow(); }
int fdatasync(int fd) { return (void)fd, slow(); }
