// Processes and threads that are there, with names and command lines of their choice:
//   PROCESSES   how many processes (1)
//   THREADS     how many threads each has beside its first (0), called THREAD (CPU %ld/KVM)
//   GUEST       the guest's name, to pose as a QEMU; VCPUS its -smp (2)
//   LINE        bytes of the command line, shown (as short as it is), of arguments FILLER (a)
//   ARGUMENTS   bytes of the command line, really given
//   FLIP        microseconds after which the first thread takes another name and back, without end
//   MASKS       with 1, the first thread sets its own mask without end, to what it has
#include "tenant.h"

#include <sched.h>

static void take_name(const char *format, long number)
{
    char name[16];
    snprintf(name, sizeof name, format, number);
    prctl(PR_SET_NAME, name);
}

static void set_masks(void)
{
    cpu_set_t all;
    memset(&all, 0xff, sizeof all);
    for (;;)
        sched_setaffinity(0, sizeof all, &all);
}

static void *work(void *argument)
{
    long index = (long)argument, flip = number("FLIP", 0);
    take_name(text("THREAD", "CPU %ld/KVM"), index);
    if (index == 0 && number("MASKS", 0) > 0)
        set_masks();
    while (flip > 0 && index == 0)
    {
        usleep(flip);
        take_name("CPU %ldx/KVM", index);
        usleep(flip);
        take_name("CPU %ld/KVM", index);
    }
    sleep_for_ever();
    return NULL;
}

static void start_threads(void)
{
    for (long i = 0; i < number("THREADS", 0); i++)
        if ((errno = start_thread(work, i)))
            fail("pthread_create");
}

int main(int count, char **arguments)
{
    (void)count;
    if (number("ARGUMENTS", 0) > 0)
        take_arguments(arguments, number("ARGUMENTS", 0));
    if (!getenv("ARGUMENTS"))
        show_command_line(number("LINE", 4096), text("FILLER", "a"));

    int done[2];
    char byte = 0;
    if (pipe(done))
        fail("pipe");
    long others = number("PROCESSES", 1) - 1;
    for (long i = 0; i < others; i++)
    {
        pid_t child = fork();
        if (child < 0)
            fail("fork");
        if (child == 0)
        {
            start_threads();
            if (write(done[1], &byte, 1) != 1)
                fail("write");
            sleep_for_ever();
        }
    }
    start_threads();
    for (long i = 0; i < others; i++)
        if (read(done[0], &byte, 1) != 1)
            fail("read");
    ready();
    sleep_for_ever();
}
