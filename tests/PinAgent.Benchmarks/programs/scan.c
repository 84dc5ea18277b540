/*
 * Makes the system calls of a full pass and nothing else, to measure the agent's against:
 *
 *   scan CPUSET_FOLDER TIMES
 *
 * CPUSET_FOLDER is the root of the cgroups with cpusets; v1's is called cpuset. Prints how long each pass took, in nanoseconds, and how many threads of VMs
 * it has seen.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *cpusets;
static int is_v1;
static char content[65536];

struct entry {
	unsigned long inode;
	long offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

static long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

/* Reads until the end: the last read gets nothing. The agent spares it where it knows that the kernel hands out the file as one piece. */
static long read_file(const char *path)
{
	long length = 0, got;
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (file < 0)
		return -1;
	while ((got = read(file, content + length, sizeof content - 1 - length)) > 0)
		length += got;
	close(file);
	content[length] = 0;
	return length;
}

static int list_numbers(const char *path, int *numbers, int most)
{
	static char entries[32 * 1024];
	long filled;
	int count = 0, folder = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);

	if (folder < 0)
		return 0;
	while ((filled = syscall(SYS_getdents64, folder, entries, sizeof entries)) > 0)
		for (long at = 0; at < filled; at += ((struct entry *)(entries + at))->length) {
			int number = atoi(((struct entry *)(entries + at))->name);
			if (number > 0 && count < most)
				numbers[count++] = number;
		}
	close(folder);
	return count;
}

static int has_argument(long length, const char *argument)
{
	for (char *at = content; at < content + length; at += strlen(at) + 1)
		if (strcmp(at, argument) == 0)
			return 1;
	return 0;
}

/* The cpuset of the process's cgroup, and whether the emulator has one of its own. */
static void read_cpuset(const char *group)
{
	static const char *const folders[] = {"", "/housekeeping", "/container/housekeeping"};
	char path[4096];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s%s%s/cpuset.%s", cpusets, group, folders[i], is_v1 ? "effective_cpus" : "cpus.effective");
		read_file(path);
	}
	snprintf(path, sizeof path, "%s%s/cpuset.cpus", cpusets, group);
	read_file(path);
}

static int scan_vm(int pid)
{
	static int threads[65536];
	char path[64], group[4096] = "";
	cpu_set_t mask;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	int count = list_numbers(path, threads, 65536);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, threads[i]);
		read_file(path);
		sched_getaffinity(threads[i], sizeof mask, &mask);
	}
	for (int i = -1; i < count; i++) {
		snprintf(path, sizeof path, "/proc/%d/task/%d/cgroup", pid, i < 0 ? pid : threads[i]);
		read_file(path);
		char *line = strstr(content, is_v1 ? ":cpuset:/" : "0::/");
		if (i < 0 && line && sscanf(strchr(line, '/'), "%4095s", group) == 1)
			read_cpuset(group);
	}
	return count;
}

static int scan(void)
{
	static int pids[65536];
	int count = list_numbers("/proc", pids, 65536), threads = 0;
	char path[64];

	for (int i = 0; i < count; i++) {
		unsigned flags = 0;

		snprintf(path, sizeof path, "/proc/%d/stat", pids[i]);
		if (read_file(path) < 0)
			continue;
		sscanf(strrchr(content, ')') + 1, " %*c %*d %*d %*d %*d %*d %u", &flags);
		if (flags & 0x00200000) /* PF_KTHREAD */
			continue;
		snprintf(path, sizeof path, "/proc/%d/cmdline", pids[i]);
		long length = read_file(path);
		if (length > 0 && has_argument(length, "-name") && has_argument(length, "-smp"))
			threads += scan_vm(pids[i]);
	}
	return threads;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fputs("scan: expected CPUSET_FOLDER TIMES\n", stderr);
		return 2;
	}
	cpusets = argv[1];
	is_v1 = strcmp(strrchr(cpusets, '/'), "/cpuset") == 0;
	for (int i = atoi(argv[2]); i > 0; i--) {
		long began = now();
		int threads = scan();
		printf("%ld %d\n", now() - began, threads);
	}
	return 0;
}
