/*
 * Poses as many QEMUs at once, whose threads all get their names at the same time:
 *
 *   vms -name guest=x,debug-threads=on -smp 1 --vms 50 --threads 4
 *
 * Each VM is a process of its own with this command line, in cgroup FOLDER0/vm, FOLDER1/vm … of --cgroups FOLDER if that is given.
 * There it executes itself by the name of qemu-system-x86_64, a hard link beside it, and makes its threads 50 ms later: QEMU 7.2
 * takes twice as long until its first one has a name (a guest of 2 vCPUs and 64 MiB, under strace).
 * It has one vCPU thread, I/O threads, and the first one, which has no name of its own and isn't counted. When all threads
 * exist, still unnamed, the id of each is printed, and then "made". A line "name" on the standard input lets them name
 * themselves; when each did is printed, in nanoseconds of CLOCK_MONOTONIC, and then "named". None of them does anything else: a
 * thread that looked whether it's pinned would wait for a CPU among two hundred to do so. Ends with its standard input.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* In the environment of a VM: the memory that all share, its number, and the descriptors of the gate. */
#define VM "VMS_VM"

struct slot {
	volatile pid_t tid;
	volatile long named_at;
};

static struct slot *slots;
static int gate[2];
static int threads;

static long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void *named_thread(void *argument)
{
	struct slot *slot = argument;
	int number = (slot - slots) % threads;
	char name[16], nothing;

	snprintf(name, sizeof name, number == 0 ? "CPU %d/KVM" : "IO iothread%d", number);
	slot->tid = gettid();
	if (read(gate[0], &nothing, 1) != 0)
		abort();
	slot->named_at = now();
	prctl(PR_SET_NAME, name);
	for (;;)
		pause();
}

static void enter(const char *cgroup)
{
	FILE *file = fopen(cgroup, "w");

	if (!file || fprintf(file, "%d", getpid()) < 0 || fclose(file) != 0) {
		perror(cgroup);
		_exit(1);
	}
}

static void begin_vm(int number, const char *cgroups, pid_t parent, int memory, char **argv)
{
	char path[4096], vm[64];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	close(gate[1]);
	if (cgroups) {
		snprintf(path, sizeof path, "%s%d/vm/cgroup.procs", cgroups, number);
		enter(path);
	}
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 32);
	if (length < 0)
		_exit(1);
	path[length] = 0;
	strcpy(strrchr(path, '/') + 1, "qemu-system-x86_64");
	snprintf(vm, sizeof vm, "%d %d %d", memory, number, gate[0]);
	setenv(VM, vm, 1);
	argv[0] = strrchr(path, '/') + 1;
	execv(path, argv);
	perror(path);
	_exit(1);
}

static void map(int memory, int count)
{
	slots = mmap(NULL, count * sizeof *slots, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (slots == MAP_FAILED)
		exit(1);
}

static void be_vm(const char *vm, int count)
{
	int memory, number;
	pthread_attr_t small;
	pthread_t thread;

	if (sscanf(vm, "%d %d %d", &memory, &number, &gate[0]) != 3)
		exit(2);
	map(memory, count);
	struct slot *own = slots + number * threads;
	usleep(50000);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 * 1024);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&thread, &small, named_thread, own + i) != 0)
			_exit(1);
	for (;;)
		pause();
}

static int number_after(char **arguments, const char *name)
{
	for (; *arguments; arguments++)
		if (strcmp(*arguments, name) == 0 && arguments[1])
			return atoi(arguments[1]);
	fprintf(stderr, "vms: expected %s NUMBER\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	int vms = number_after(argv, "--vms");
	int count = vms * (threads = number_after(argv, "--threads"));
	pid_t *pids = calloc(vms, sizeof *pids), parent = getpid();
	const char *cgroups = NULL;
	char line[64];

	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--cgroups") == 0)
			cgroups = argv[i + 1];
	prctl(PR_SET_TIMERSLACK, 1);
	if (getenv(VM))
		be_vm(getenv(VM), count);
	int memory = memfd_create("vms", 0);
	if (memory < 0 || ftruncate(memory, count * sizeof *slots) != 0 || pipe(gate) != 0)
		return 1;
	map(memory, count);
	for (int i = 0; i < vms; i++)
		if ((pids[i] = fork()) == 0)
			begin_vm(i, cgroups, parent, memory, argv);
	for (int i = 0; i < count; i++)
		while (slots[i].tid == 0)
			usleep(1000);
	for (int i = 0; i < count; i++)
		printf("%d\n", slots[i].tid);
	puts("made");
	fflush(stdout);

	if (fgets(line, sizeof line, stdin)) {
		close(gate[1]);
		for (int i = 0; i < count; i++) {
			while (slots[i].named_at == 0)
				usleep(1000);
			printf("%ld\n", slots[i].named_at);
		}
		puts("named");
		fflush(stdout);
		while (fgets(line, sizeof line, stdin))
			;
	}
	for (int i = 0; i < vms; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}
