/* Preloaded into a program, its time of day is 200 ms ahead. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *ts)
{
    int status = (int)syscall(SYS_clock_gettime, clock, ts);
    if (status == 0 && clock == CLOCK_REALTIME) {
        ts->tv_nsec += 200000000;
        ts->tv_sec += ts->tv_nsec / 1000000000;
        ts->tv_nsec %= 1000000000;
    }
    return status;
}
