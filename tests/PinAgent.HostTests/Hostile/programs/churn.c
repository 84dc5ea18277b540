// A program that poses as the QEMU of guest GUEST, has two threads with a vCPU's name, and does what MODE says:
//   forks      starts processes that end at once, without end
//   threads    starts threads that take a vCPU's name and end, without end
//   execs      starts processes that become a QEMU with two vCPUs, and end a little later, without end
//   zombies    has 200 children that have ended, each called like QEMU
//   mainexit   ends its first thread; the others stay
#include "tenant.h"

#include <signal.h>
#include <sys/syscall.h>

static void *stay(void *argument)
{
    char name[16];
    snprintf(name, sizeof name, "CPU %ld/KVM", (long)argument);
    prctl(PR_SET_NAME, name);
    sleep_for_ever();
    return NULL;
}

static void *come_and_go(void *argument)
{
    char name[16];
    snprintf(name, sizeof name, "CPU %ld/KVM", (long)argument);
    prctl(PR_SET_NAME, name);
    return NULL;
}

static void start_vcpus(void)
{
    for (long i = 0; i < 2; i++)
        if ((errno = start_thread(stay, i)))
            fail("pthread_create");
}

int main(int count, char **arguments)
{
    (void)count;
    const char *mode = text("MODE", "stay");
    show_command_line(4096, "a");
    start_vcpus();
    if (strcmp(mode, "born") == 0)
    {
        alarm(1);
        sleep_for_ever();
    }

    ready();
    if (strcmp(mode, "forks") == 0 || strcmp(mode, "execs") == 0)
    {
        signal(SIGCHLD, SIG_IGN);
        for (;;)
        {
            pid_t child = fork();
            if (child != 0)
            {
                // No more than a thousand at a time where each stays for a second.
                usleep(strcmp(mode, "execs") == 0 ? 1000 : 0);
                continue;
            }
            if (strcmp(mode, "forks") == 0)
                _exit(0);
            setenv("MODE", "born", 1);
            execv("/proc/self/exe", arguments);
            _exit(1);
        }
    }
    if (strcmp(mode, "threads") == 0)
        for (long i = 0;; i = (i + 1) % 1000)
            if (start_thread(come_and_go, i))
                usleep(1000);
    if (strcmp(mode, "zombies") == 0)
        for (int i = 0; i < 200; i++)
            if (fork() == 0)
            {
                prctl(PR_SET_NAME, "qemu-system-x86");
                _exit(0);
            }
    if (strcmp(mode, "mainexit") == 0)
        syscall(SYS_exit, 0);
    sleep_for_ever();
}
