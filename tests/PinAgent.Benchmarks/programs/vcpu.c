/*
 * Stands in for a guest of one vCPU whose emulator is busy:
 *
 *   vcpu -name guest=x,debug-threads=on -smp 1 --seconds 5
 *
 * The thread "CPU 0/KVM" wakes up every millisecond by a timer for so many seconds, and then computes for as long; the main
 * thread, the emulator, is busy all the while. Prints "ready", waits for a line on its standard input, and then prints how
 * late the wake-ups were in nanoseconds, by quantiles, and how often the loop went round: "p50 p99 p99.9 max rounds".
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static const long PERIOD = 1000000;
static int seconds;
static int go[2];
static volatile int done;
static volatile unsigned long work;

static long nanoseconds(const struct timespec *time)
{
	return time->tv_sec * 1000000000L + time->tv_nsec;
}

static long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return nanoseconds(&time);
}

static int by_size(const void *left, const void *right)
{
	long a = *(const long *)left, b = *(const long *)right;
	return (a > b) - (a < b);
}

static void *vcpu(void *argument)
{
	int count = seconds * 1000;
	long *late = calloc(count, sizeof *late), rounds = 0, end;
	char nothing;

	prctl(PR_SET_NAME, "CPU 0/KVM");
	prctl(PR_SET_TIMERSLACK, 1);
	if (read(go[0], &nothing, 1) != 1)
		abort();
	long due = now();
	for (int i = 0; i < count; i++) {
		due += PERIOD;
		struct timespec wake = {due / 1000000000L, due % 1000000000L};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL);
		late[i] = now() - due;
		/* One wake-up that was very late makes no row of late ones. */
		if (late[i] > PERIOD)
			due += late[i] / PERIOD * PERIOD;
	}
	for (end = now() + seconds * 1000000000L; now() < end; rounds++)
		for (int i = 0; i < 1000; i++)
			work += i;
	qsort(late, count, sizeof *late, by_size);
	printf("%ld %ld %ld %ld %ld\n", late[count / 2], late[count * 99L / 100], late[count * 999L / 1000],
	       late[count - 1], rounds);
	done = 1;
	return argument;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	char line[64];
	volatile unsigned long emulated = 0;

	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--seconds") == 0)
			seconds = atoi(argv[i + 1]);
	if (seconds < 1) {
		fputs("vcpu: expected --seconds NUMBER\n", stderr);
		return 2;
	}
	if (pipe(go) != 0 || pthread_create(&thread, NULL, vcpu, NULL) != 0)
		return 1;
	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof line, stdin) || write(go[1], "", 1) != 1)
		return 1;
	while (!done)
		emulated++;
	pthread_join(thread, NULL);
	return 0;
}
