/*
 * Stands in for a guest of one vCPU beside two busy threads of its QEMU:
 *
 *   vcpu -name guest=x,debug-threads=on -smp 1 -object iothread,id=io1 --seconds 5
 *
 * The thread "CPU 0/KVM" wakes up every millisecond by a timer for so many seconds, and each time computes for a while, as a
 * guest that answers; then it computes without a pause for as long. The main thread, which is the emulator, and the I/O thread
 * "IO io1" are busy all the while. Prints "ready", waits for a line on its standard input, and then prints in nanoseconds how
 * late the wake-ups were, how long after the timer the answers were there, each by quantiles, and how often the loop without a
 * pause went round: "p50 p99 p99.9 max  p50 p99 p99.9 max  rounds".
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
static volatile int begun, done;
static volatile unsigned long work;

/* What an answer takes, of 1000 additions each: some 0.3 ms on a CPU of its own. */
static const int ANSWER = 150;

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

static void compute(void)
{
	for (int i = 0; i < 1000; i++)
		work += i;
}

static void print(long *took, int count)
{
	qsort(took, count, sizeof *took, by_size);
	printf("%ld %ld %ld %ld ", took[count / 2], took[count * 99L / 100], took[count * 999L / 1000], took[count - 1]);
}

static void *busy(void *argument)
{
	volatile unsigned long emulated = 0;

	prctl(PR_SET_NAME, "IO io1");
	while (!begun)
		usleep(1000);
	while (!done)
		emulated++;
	return argument;
}

static void *vcpu(void *argument)
{
	int count = seconds * 1000;
	long *late = calloc(count, sizeof *late), *answered = calloc(count, sizeof *answered), rounds = 0, end;
	char nothing;

	prctl(PR_SET_NAME, "CPU 0/KVM");
	prctl(PR_SET_TIMERSLACK, 1);
	if (late == NULL || answered == NULL || read(go[0], &nothing, 1) != 1)
		abort();
	long due = now();
	for (int i = 0; i < count; i++) {
		due += PERIOD;
		struct timespec wake = {due / 1000000000L, due % 1000000000L};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL);
		late[i] = now() - due;
		for (int j = 0; j < ANSWER; j++)
			compute();
		answered[i] = now() - due;
		/* One that was very late makes no row of late ones. */
		if (answered[i] > PERIOD)
			due += answered[i] / PERIOD * PERIOD;
	}
	for (end = now() + seconds * 1000000000L; now() < end; rounds++)
		compute();
	print(late, count);
	print(answered, count);
	printf("%ld\n", rounds);
	done = 1;
	return argument;
}

int main(int argc, char **argv)
{
	pthread_t thread, io;
	char line[64];
	volatile unsigned long emulated = 0;

	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--seconds") == 0)
			seconds = atoi(argv[i + 1]);
	if (seconds < 1) {
		fputs("vcpu: expected --seconds NUMBER\n", stderr);
		return 2;
	}
	if (pipe(go) != 0 || pthread_create(&thread, NULL, vcpu, NULL) != 0 || pthread_create(&io, NULL, busy, NULL) != 0)
		return 1;
	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof line, stdin) || write(go[1], "", 1) != 1)
		return 1;
	begun = 1;
	while (!done)
		emulated++;
	pthread_join(thread, NULL);
	pthread_join(io, NULL);
	return 0;
}
