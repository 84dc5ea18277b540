// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// Watches how long a VM's vCPUs wait for their CPU, and who has it meanwhile, for "pinagent prove". It sums up in the
// kernel: nothing is sent, and whoever loaded it reads the maps at the end. What an event costs is bounded, and so is what
// is kept of it, whatever the threads on these CPUs call themselves and however many they are.
//
// "objects.sh" beside it makes prove.bpf.o of it; as in watch.bpf.c there's no header to include. Raw tracepoints need no
// tracefs. Their arguments are the kernel's own structures: where a task's number and flags are in them is in "settings",
// looked up in the type information of the running kernel.

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SECTION(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))

// linux/bpf.h: the numbers of helpers never change.
static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static long (*const map_update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static u64 (*const now_ns)(void) = (void *)5;
static u32 (*const this_cpu)(void) = (void *)8;
static u64 (*const current_ids)(void) = (void *)14;
static long (*const current_name)(void *buffer, u32 size) = (void *)16;
static u64 (*const current_task)(void) = (void *)35;
static long (*const read_kernel)(void *to, u32 size, const void *from) = (void *)113;

// Reading kernel memory is for programs under the GPL, or under both.
char LICENSE[] SECTION("license") = "Dual BSD/GPL";

#define BARRIER __asm__ volatile("" ::: "memory")
#define NAME 16
#define CLASSES 256 // of lengths: four for each power of two
#define GAPS 16
#define MOST_KNOWN 64 // processes by name of each CPU
#define SAMPLED 17 // of so many events one is timed; a prime, as events come in patterns
#define KERNEL_THREAD 0x00200000 // linux/sched.h: PF_KTHREAD

// All that follow: the same in WitnessLayout.cs.
struct settings {
	u32 task_number; // task_struct.pid
	u32 task_flags;
	u32 is_on; // what happens before and after, while programs come and go one by one, isn't measured
	u32 unused;
};

struct runner {
	u32 tgid, tid, is_kernel, unused;
	char name[NAME];
};

// Of a process on a CPU.
struct stretches {
	u64 count, total, longest;
	u64 held; // of it, while the CPU's vCPU waited
	struct runner by; // in the longest
};

struct process {
	u32 cpu, tgid;
};

struct served {
	u64 since, count, total, longest;
	u32 number, longest_number;
};

struct cpu {
	u64 since; // when what runs there began
	u32 is_watched;
	u32 vcpu; // whose CPU it is: its index in "vcpus"
	u32 known; // how many processes
	u32 tid; // what runs there
	u64 events, next_timed, timed, cost; // of these programs: how many runs, how many of them were timed, and how long those took
	struct stretches rest; // of those that are too many to be known
	struct served interrupts, softirqs;
};

struct latency {
	u64 count, total, longest;
	u64 classes[CLASSES];
};

enum why { ASLEEP = 0, WOKEN = 1, PREEMPTED = 2 };

struct gap {
	u64 begin, length;
	u64 held; // for how long at a stretch that one ran in it; zero where that isn't known
	u32 why, cpu;
	struct runner by; // who had the CPU longest
};

struct vcpu {
	u64 since; // when it began to wait; zero if it doesn't
	u32 why, is_running;
	u32 tid, is_known; // whether it has been seen to begin or end to run
	u64 unseen; // how often it ran again without having been seen to be woken
	u64 held;
	struct runner by; // of the wait that goes on
	struct latency woken, preempted;
	u64 least; // the shortest of the gaps, and where it is
	u64 least_at;
	struct gap gaps[GAPS];
};

// Type, key, value, entries, flags. What "maps" holds is read by the loader, which sets the entries by the VM.
struct map {
	u32 type, key, value, entries, flags;
};
#define MAP(name, ...) struct map name SECTION("maps") = {__VA_ARGS__}
#define HASH 1
#define ARRAY 2

MAP(settings, ARRAY, sizeof(u32), sizeof(struct settings), 1, 0);
MAP(numbers, HASH, sizeof(u32), sizeof(u32), 1, 0); // thread → index of its vCPU
MAP(vcpus, ARRAY, sizeof(u32), sizeof(struct vcpu), 1, 0);
MAP(cpus, ARRAY, sizeof(u32), sizeof(struct cpu), 1, 0);
// Not one that forgets: then many short names would drive out the one that matters.
MAP(processes, HASH, sizeof(struct process), sizeof(struct stretches), MOST_KNOWN, 0);

INLINE struct settings *the_settings(void)
{
	u32 zero = 0;
	return map_lookup(&settings, &zero);
}

INLINE u32 number_at(u64 task, int is_flags)
{
	u32 value = 0;
	struct settings *where = the_settings();

	if (where)
		read_kernel(&value, sizeof value, (const void *)(task + (is_flags ? where->task_flags : where->task_number)));
	return value;
}

INLINE u32 is_on(void)
{
	struct settings *known = the_settings();
	return known ? known->is_on : 0;
}

INLINE struct vcpu *vcpu_of(u32 tid)
{
	u32 *index = map_lookup(&numbers, &tid);
	return index ? map_lookup(&vcpus, index) : 0;
}

INLINE struct cpu *cpu_of(u32 number) { return map_lookup(&cpus, &number); }

// Its own cost: of a few runs only, as asking the time is half of it.
INLINE u64 begin_run(struct cpu *cpu)
{
	if (!cpu || ++cpu->events < cpu->next_timed)
		return 0;
	cpu->next_timed = cpu->events + SAMPLED;
	return now_ns();
}

INLINE int end_run(struct cpu *cpu, u64 begun)
{
	if (cpu && begun) {
		cpu->cost += now_ns() - begun;
		cpu->timed++;
	}
	return 0;
}

// 0 to 3 ns are classes of their own; then each power of two has four, of a quarter each.
INLINE u32 class_of(u64 length)
{
	u64 rest = length;
	u32 power = 0;

	if (rest >> 32) { power += 32; rest >>= 32; }
	if (rest >> 16) { power += 16; rest >>= 16; }
	if (rest >> 8) { power += 8; rest >>= 8; }
	if (rest >> 4) { power += 4; rest >>= 4; }
	if (rest >> 2) { power += 2; rest >>= 2; }
	if (rest >> 1) power += 1;
	return power < 2 ? length : (power - 1) * 4 + ((length >> (power - 2)) & 3);
}

INLINE void count(struct latency *of, u64 length)
{
	of->count++;
	of->total += length;
	if (length > of->longest)
		of->longest = length;
	of->classes[class_of(length) % CLASSES]++;
}

INLINE void tell_runner(struct runner *by, u64 ids)
{
	by->tgid = ids >> 32;
	by->tid = ids;
	by->is_kernel = (number_at(current_task(), 1) & KERNEL_THREAD) != 0;
	by->unused = 0;
	current_name(by->name, NAME);
}

INLINE void keep_gap(struct vcpu *vcpu, u64 length, u32 cpu)
{
	struct gap *gap = &vcpu->gaps[vcpu->least_at % GAPS];

	gap->begin = vcpu->since;
	gap->length = length;
	gap->held = vcpu->held;
	gap->why = vcpu->why;
	gap->cpu = cpu;
	gap->by = vcpu->by;
	vcpu->least = gap->length;
#pragma unroll
	for (int i = 0; i < GAPS; i++)
		if (vcpu->gaps[i].length < vcpu->least) {
			vcpu->least = vcpu->gaps[i].length;
			vcpu->least_at = i;
		}
}

INLINE void begin_wait(struct vcpu *vcpu, u32 why, u64 now)
{
	vcpu->why = why;
	vcpu->held = 0;
	__builtin_memset(&vcpu->by, 0, sizeof vcpu->by);
	vcpu->since = now;
}

// The current thread has run on a watched CPU that isn't its own.
INLINE void add_stretch(struct cpu *cpu, u32 number, u64 ids, u64 now)
{
	struct process process = {number, ids >> 32};
	struct stretches *of = map_lookup(&processes, &process);
	struct vcpu *owner = map_lookup(&vcpus, &cpu->vcpu);
	u64 length = now - cpu->since, from = cpu->since, waits;

	if (!of && cpu->known < MOST_KNOWN) {
		struct stretches none = {};

		map_update(&processes, &process, &none, 0);
		of = map_lookup(&processes, &process);
		if (of)
			cpu->known++;
	}
	if (!of)
		of = &cpu->rest;
	of->count++;
	of->total += length;
	if (length > of->longest) {
		of->longest = length;
		tell_runner(&of->by, ids);
	}
	waits = owner ? owner->since : 0;
	if (!waits || waits >= now)
		return;
	if (waits > from)
		from = waits;
	of->held += now - from;
	if (now - from > owner->held) {
		owner->held = now - from;
		tell_runner(&owner->by, ids);
	}
}

INLINE void left(struct vcpu *vcpu, u64 is_preempted, u64 now)
{
	vcpu->is_running = 0;
	vcpu->is_known = 1;
	if (is_preempted)
		begin_wait(vcpu, PREEMPTED, now);
	else
		vcpu->since = 0;
}

INLINE void arrived(struct vcpu *vcpu, u32 cpu, u64 ids, u64 now)
{
	u64 since = vcpu->since;

	if (since && since < now) {
		u64 length = now - since;

		if (vcpu->why == PREEMPTED)
			count(&vcpu->preempted, length);
		else
			count(&vcpu->woken, length);
		if (length > vcpu->least) {
			// Where it has no CPU of its own: who ran there at last.
			if (!vcpu->held && (u32)ids)
				tell_runner(&vcpu->by, ids);
			keep_gap(vcpu, length, cpu);
		}
	} else if (vcpu->is_known) {
		vcpu->unseen++;
	}
	vcpu->since = 0;
	vcpu->is_running = 1;
	vcpu->is_known = 1;
}

// bool preempt, task_struct *from, task_struct *to, unsigned int from's state (Linux 5.18); the current task is still "from".
SECTION("raw_tracepoint/switched")
int switched(u64 *arguments)
{
	u32 number = this_cpu(), next;
	struct cpu *cpu = cpu_of(number);
	u64 begun = begin_run(cpu), ids = current_ids(), now;
	struct vcpu *from = vcpu_of(ids), *to;

	next = number_at(arguments[2], 0);
	to = vcpu_of(next);
	if (!is_on())
		return 0;
	// One after the other: the compiler would join the pointers in a way that the verifier forbids.
	if (!from) {
		BARRIER;
		if (!to && !(cpu && cpu->is_watched))
			return end_run(cpu, begun);
	}
	now = now_ns();
	if (from)
		left(from, (u8)arguments[0] || !(u32)arguments[3], now);
	if (cpu && cpu->is_watched) {
		// Not the idle thread, and no other vCPU that is at home here.
		if (cpu->since && (u32)ids && (!from || from != map_lookup(&vcpus, &cpu->vcpu)))
			add_stretch(cpu, number, ids, now);
		cpu->since = now;
		cpu->tid = next;
	}
	if (to)
		arrived(to, number, ids, now);
	return end_run(cpu, begun);
}

// task_struct *woken. Of sched_waking, when it's asked for, and of sched_wakeup, when it's queued: the first is missed where
// the thread hasn't left its CPU yet.
SECTION("raw_tracepoint/woken")
int woken(u64 *arguments)
{
	struct cpu *cpu = cpu_of(this_cpu());
	u64 begun = begin_run(cpu);
	struct vcpu *vcpu = vcpu_of(number_at(arguments[0], 0));

	if (vcpu && is_on() && !vcpu->is_running && !vcpu->since)
		begin_wait(vcpu, WOKEN, now_ns());
	return end_run(cpu, begun);
}

INLINE int begin_served(struct cpu *cpu, struct served *of, u32 number)
{
	u64 begun = begin_run(cpu);

	of->number = number;
	of->since = now_ns();
	return end_run(cpu, begun);
}

INLINE int end_served(struct cpu *cpu, struct served *of, u32 number)
{
	u64 begun = begin_run(cpu), length;

	if (of->since && of->number == number) {
		length = now_ns() - of->since;
		of->count++;
		of->total += length;
		if (length > of->longest) {
			of->longest = length;
			of->longest_number = number;
		}
	}
	of->since = 0;
	return end_run(cpu, begun);
}

#define ON_WATCHED(call)                                                                                                       \
	do {                                                                                                                   \
		struct cpu *cpu = cpu_of(this_cpu());                                                                          \
		return cpu && cpu->is_watched ? call : 0;                                                                      \
	} while (0)

// int number, …
SECTION("raw_tracepoint/irq_begins") int irq_begins(u64 *what) { ON_WATCHED(begin_served(cpu, &cpu->interrupts, what[0])); }
SECTION("raw_tracepoint/irq_ends") int irq_ends(u64 *what) { ON_WATCHED(end_served(cpu, &cpu->interrupts, what[0])); }
// unsigned int number
SECTION("raw_tracepoint/soft_begins") int soft_begins(u64 *what) { ON_WATCHED(begin_served(cpu, &cpu->softirqs, what[0])); }
SECTION("raw_tracepoint/soft_ends") int soft_ends(u64 *what) { ON_WATCHED(end_served(cpu, &cpu->softirqs, what[0])); }
