// What the attackers have in common: each is a program that anybody may run in a pod.
#ifndef TENANT_H
#define TENANT_H

#define _GNU_SOURCE
#include <errno.h>
#include <linux/prctl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static inline void fail(const char *what)
{
    perror(what);
    exit(1);
}

// The settings are environment variables: they outlast an exec, and don't show in the command line.
static inline long number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

static inline const char *text(const char *name, const char *otherwise)
{
    const char *found = getenv(name);
    return found ? found : otherwise;
}

// What the test waits for.
static inline void ready(void)
{
    puts("ready");
    fflush(stdout);
}

static inline void sleep_for_ever(void)
{
    for (;;)
        pause();
}

// Small stacks: thousands of threads are to cost the agent, not the machine.
static inline int start_thread(void *(*body)(void *), long argument)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 32 * 1024);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int problem = pthread_create(&thread, &attributes, body, (void *)argument);
    pthread_attr_destroy(&attributes);
    return problem;
}

// What a QEMU would have been started with, for a guest of this name; or what any other program would, without one.
// Arguments end with a zero each. Returns the length.
static inline size_t first_arguments(char *to, size_t size)
{
    const char *guest = getenv("GUEST");
    int length = guest ? snprintf(to, size, "/usr/bin/qemu-system-x86_64%c-name%cguest=%s%c-smp%c%ld%c-accel%ckvm", 0, 0,
                                  guest, 0, 0, number("VCPUS", 2), 0, 0)
                       : snprintf(to, size, "/usr/bin/innocent");
    return (size_t)length + 1;
}

// Shows a command line of this many bytes in /proc/self/cmdline: the kernel lets every process say where its own is.
static inline void show_command_line(size_t bytes, const char *filler)
{
    size_t unit = strlen(filler) + 1;
    char *line = mmap(NULL, bytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (line == MAP_FAILED)
        fail("mmap");
    size_t length = first_arguments(line, 4096);
    for (; length + unit <= bytes; length += unit)
        memcpy(line + length, filler, unit);

    // The rest of the map stays as it is. Fields of /proc/self/stat, by the numbers of proc(5).
    unsigned long field[53] = {0};
    char stat[4096] = {0};
    FILE *file = fopen("/proc/self/stat", "r");
    if (!file || !fread(stat, 1, sizeof stat - 1, file))
        fail("/proc/self/stat");
    fclose(file);
    char *rest = strrchr(stat, ')') + 4;
    for (int i = 4; i < 53; i++)
        field[i] = strtoul(rest, &rest, 10);
    struct prctl_mm_map map = {
        .start_code = field[26], .end_code = field[27], .start_stack = field[28],
        .start_data = field[45], .end_data = field[46], .start_brk = field[47],
        .brk = (uintptr_t)sbrk(0), .arg_start = (uintptr_t)line, .arg_end = (uintptr_t)line + length,
        .env_start = field[50], .env_end = field[51], .exe_fd = (uint32_t)-1,
    };
    if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0))
        fail("PR_SET_MM_MAP");
}

// Begins anew with real arguments of this many bytes in all. The kernel allows six million, their addresses included.
static inline void take_arguments(char **old, size_t bytes)
{
    enum { EACH = 24 };
    static char first[4096];
    struct rlimit stack;
    getrlimit(RLIMIT_STACK, &stack);
    stack.rlim_cur = stack.rlim_max;
    setrlimit(RLIMIT_STACK, &stack);

    char **arguments = calloc(bytes / EACH + 16, sizeof *arguments);
    size_t count = 0, length = first_arguments(first, sizeof first);
    for (char *argument = first; argument < first + length; argument += strlen(argument) + 1)
        arguments[count++] = argument;
    for (size_t i = 0; i < bytes / EACH; i++)
        arguments[count++] = "-an-argument-of-24-byte";
    setenv("ARGUMENTS", "0", 1);
    setenv("LINE", "0", 1);
    execv("/proc/self/exe", arguments);
    fail(old[0]);
}

#endif
