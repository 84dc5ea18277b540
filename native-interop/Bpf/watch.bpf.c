// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// Tells of what others do to the threads the agent cares for: another mask, policy or priority, a name, another cgroup.
// "objects.sh" beside it makes watch.bpf.o of it. There's no header to include: the few helpers, records and limits are
// written here, so that the same bytes come of it wherever the same compiler is. Each section is a program; who loads it
// takes those that the machine has, and attaches them where they belong.
//
// Where the kernel's structures are read (the caller's cgroup), their layout is in "settings": the loader looks it up in
// the type information of the running kernel, and leaves zeros where there's none.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;

#define SECTION(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))

// linux/bpf.h: the numbers of helpers never change.
static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static long (*const map_update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*const map_delete)(void *map, const void *key) = (void *)3;
static u64 (*const now_ns)(void) = (void *)5;
static u64 (*const current_ids)(void) = (void *)14;
static long (*const current_name)(void *buffer, u32 size) = (void *)16;
static u64 (*const current_task)(void) = (void *)35;
static u64 (*const current_cgroup)(void) = (void *)80;
static long (*const read_user)(void *to, u32 size, const void *from) = (void *)112;
static long (*const read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static long (*const read_kernel_text)(void *to, u32 size, const void *from) = (void *)115;
static void *(*const ring_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*const ring_submit)(void *record, u64 flags) = (void *)132;

// Reading kernel memory is for programs under the GPL, or under both.
char LICENSE[] SECTION("license") = "Dual BSD/GPL";

#define NAME 16
#define LEVELS 6
#define LEVEL_NAME 96

enum kind { AFFINITY = 1, SCHEDULING = 2, RENAME = 3, ATTACH = 4 };

// The same in ThreadChange.cs.
struct event {
	u64 time;  // CLOCK_MONOTONIC
	u64 value; // AFFINITY: the first 64 CPUs asked for; ATTACH: the cgroup's id
	u64 cgroup; // the caller's, in the hierarchy of version 2
	u32 kind;
	u32 tid; // as the caller named it, in its PID namespace; of the initial one where from_host is set
	u32 by_tid, by_tgid; // of the initial PID namespace
	u16 from_host;
	u16 depth; // of the caller's cgroup below its hierarchy's root
	u32 levels; // how many of its path's names follow, the last first
	char by[NAME];
	char name[NAME]; // RENAME
	char cgroups[LEVELS][LEVEL_NAME]; // the cgroup's own, its parent's, …
};

// Without the cgroup's names: of a rename the process itself is the author.
struct short_event {
	char bytes[__builtin_offsetof(struct event, cgroups)];
};

// The same in WatchLayout.cs; offsets of 0 aren't known.
struct settings {
	u32 own_tgid; // whose calls aren't told: the agent's own
	u32 task_css_set; // task_struct.cgroups
	u32 default_cgroup; // css_set.dfl_cgrp
	u32 states[3]; // css_set.subsys[pids], [memory], [devices]
	u32 state_cgroup; // cgroup_subsys_state.cgroup
	u32 cgroup_level; // cgroup.level
	u32 cgroup_node; // cgroup.kn
	u32 node_name; // kernfs_node.name
	u32 node_parent; // kernfs_node.parent
	u32 is_known; // whether the offsets are
};

struct counters {
	u64 lost; // the ring was full
	u64 mask_excess; // changes that a process had beyond its share
	u64 name_excess; // names
	u64 begun; // calls that were noted, and those of them that came back: fewer where the kernel missed a return
	u64 ended;
};

struct call {
	u64 value;
	u32 tid;
	u16 kind;
	u16 from_host;
};

// Type, key, value, entries, flags. What "maps" holds is read by the loader.
struct map {
	u32 type, key, value, entries, flags;
};
#define MAP(name, ...) struct map name SECTION("maps") = {__VA_ARGS__}
#define HASH 1
#define ARRAY 2
#define LRU_HASH 9
#define RING 27
#define NO_PREALLOC 1

// A power of two and whole pages, where a page has 64 KiB too.
MAP(events, RING, 0, 0, 1 << 19, 0);
// Every number by which a watched thread or its process may be called, in any PID namespace. So a hit is a hint.
MAP(watched, HASH, sizeof(u32), sizeof(u32), 1 << 16, NO_PREALLOC);
// By the calling thread. LRU: nobody can fill it for others.
MAP(calls, LRU_HASH, sizeof(u64), sizeof(struct call), 4096, 0);
// By process: when its share is whole again.
MAP(mask_shares, LRU_HASH, sizeof(u32), sizeof(u64), 4096, 0);
MAP(name_shares, LRU_HASH, sizeof(u32), sizeof(u64), 4096, 0);
MAP(settings, ARRAY, sizeof(u32), sizeof(struct settings), 1, 0);
MAP(counters, ARRAY, sizeof(u32), sizeof(struct counters), 1, 0);

#define SECOND 1000000000ULL

INLINE struct counters *the_counters(void)
{
	u32 zero = 0;
	return map_lookup(&counters, &zero);
}

#define COUNT(what)                                                                                                            \
	do {                                                                                                                   \
		struct counters *all = the_counters();                                                                         \
		if (all)                                                                                                       \
			__sync_fetch_and_add(&all->what, 1);                                                                   \
	} while (0)

// A share holds a burst and fills again at a rate. Two CPUs may take the same one at once: a little more, then.
INLINE int exceeds(void *shares, u32 tgid, u64 burst, u64 one)
{
	u64 now = now_ns(), full_at = now + one, *known = map_lookup(shares, &tgid);

	if (!known) {
		map_update(shares, &tgid, &full_at, 0);
		return 0;
	}
	full_at = *known;
	if (full_at > now + (burst - 1) * one)
		return 1;
	*known = (full_at > now ? full_at : now) + one;
	return 0;
}

INLINE u64 pointer_at(u64 structure, u32 offset)
{
	u64 pointer = 0;
	read_kernel(&pointer, sizeof pointer, (const void *)(structure + offset));
	return pointer;
}

INLINE s32 level_of(u64 group, struct settings *where)
{
	s32 level = 0;
	if (group)
		read_kernel(&level, sizeof level, (const void *)(group + where->cgroup_level));
	return level;
}

// The first of a hierarchy of version 1 in which the caller isn't at the root, if none was found before.
INLINE u64 deeper(u64 group, u64 set, u32 state_at, struct settings *where)
{
	u64 state;

	if (level_of(group, where) > 0 || !state_at)
		return group;
	state = pointer_at(set, state_at);
	return state ? pointer_at(state, where->state_cgroup) : group;
}

// One name and the node above it.
INLINE u64 tell_level(struct event *event, int i, u64 node, struct settings *where)
{
	u64 text = node ? pointer_at(node, where->node_name) : 0;

	if (!text || read_kernel_text(event->cgroups[i], LEVEL_NAME, (const void *)text) <= 1)
		return 0;
	event->levels = i + 1;
	return pointer_at(node, where->node_parent);
}

// Where the caller is in version 2, or else, as everybody is at its root on a machine with version 1, in the first
// hierarchy of version 1 that says more.
INLINE void tell_cgroup(struct event *event)
{
	u32 zero = 0;
	struct settings *where = map_lookup(&settings, &zero);
	u64 set, group, node;

	if (!where || !where->is_known)
		return;
	set = pointer_at(current_task(), where->task_css_set);
	if (!set)
		return;
	group = pointer_at(set, where->default_cgroup);
	group = deeper(group, set, where->states[0], where);
	group = deeper(group, set, where->states[1], where);
	group = deeper(group, set, where->states[2], where);
	if (!group)
		return;
	event->depth = level_of(group, where);
	node = pointer_at(group, where->cgroup_node);
	node = tell_level(event, 0, node, where);
	node = tell_level(event, 1, node, where);
	node = tell_level(event, 2, node, where);
	node = tell_level(event, 3, node, where);
	node = tell_level(event, 4, node, where);
	tell_level(event, 5, node, where);
}

INLINE void begin(struct event *event, u32 kind, u32 tid)
{
	u64 ids = current_ids();

	event->time = now_ns();
	event->value = 0;
	event->cgroup = 0;
	event->kind = kind;
	event->tid = tid;
	event->by_tid = ids;
	event->by_tgid = ids >> 32;
	event->from_host = 1;
	event->depth = 0;
	event->levels = 0;
	__builtin_memset(event->by, 0, NAME);
	__builtin_memset(event->name, 0, NAME);
	current_name(event->by, NAME);
}

INLINE struct event *begin_told(u32 kind, u32 tid)
{
	struct event *event = ring_reserve(&events, sizeof *event, 0);

	if (!event) {
		COUNT(lost);
		return 0;
	}
	begin(event, kind, tid);
	event->cgroup = current_cgroup();
	__builtin_memset(event->cgroups, 0, sizeof event->cgroups);
	tell_cgroup(event);
	return event;
}

INLINE int is_own(void)
{
	u32 zero = 0;
	struct settings *known = map_lookup(&settings, &zero);
	return known && known->own_tgid == current_ids() >> 32;
}

// A call begins that names a thread: noted where that may be a watched one, told when it has come back.
INLINE int calling(u16 kind, u32 tid, const void *user_mask, u64 length)
{
	u64 caller = current_ids();
	struct call call = {0, tid, kind, 0};

	if (!tid) { // the caller itself
		call.tid = caller;
		call.from_host = 1;
	}
	if (!map_lookup(&watched, &call.tid) || is_own())
		return 0;
	if (user_mask) {
		if (length >= sizeof call.value)
			read_user(&call.value, sizeof call.value, user_mask);
		else if (length >= sizeof(u32))
			read_user(&call.value, sizeof(u32), user_mask);
	}
	map_update(&calls, &caller, &call, 0);
	COUNT(begun);
	return 0;
}

INLINE int returned(s64 result)
{
	u64 caller = current_ids();
	struct call *noted = map_lookup(&calls, &caller), call;
	struct event *event;

	if (!noted)
		return 0;
	call = *noted;
	map_delete(&calls, &caller);
	COUNT(ended);
	if (result < 0)
		return 0;
	if (exceeds(&mask_shares, caller >> 32, 512, SECOND / 16)) {
		COUNT(mask_excess);
		return 0;
	}
	event = begin_told(call.kind, call.tid);
	if (!event)
		return 0;
	event->value = call.value;
	event->from_host = call.from_host;
	ring_submit(event, 0);
	return 0;
}

// The kernel's functions for the system calls have one argument: the registers with which the call was made. Those for
// 32-bit calls are functions of their own. Registers count in words of 64 bits from the begin of the kernel's pt_regs.
INLINE u64 argument(u64 *context, int first, int register_number)
{
	return pointer_at(context[first], register_number * sizeof(u64));
}

#define CALLING_AFFINITY(first, pid, length, mask)                                                                             \
	calling(AFFINITY, argument(context, first, pid), (const void *)argument(context, first, mask),                        \
		(u32)argument(context, first, length))
#define CALLING_SCHEDULING(first, pid) calling(SCHEDULING, argument(context, first, pid), 0, 0)

// amd64: di is 14, si 13, dx 12, and ax 10; a 32-bit call's arguments are in bx 5, cx 11 and dx 12.
SECTION("kprobe/affinity_x64") int affinity_x64(u64 *context) { return CALLING_AFFINITY(14, 14, 13, 12); }
SECTION("kprobe/sched_x64") int sched_x64(u64 *context) { return CALLING_SCHEDULING(14, 14); }
SECTION("kprobe/affinity_ia32") int affinity_ia32(u64 *context) { return CALLING_AFFINITY(14, 5, 11, 12); }
SECTION("kprobe/sched_ia32") int sched_ia32(u64 *context) { return CALLING_SCHEDULING(14, 5); }
SECTION("kprobe/return_x64") int return_x64(u64 *context) { return returned((s64)context[10]); }
// arm64: x0, x1, x2, for 32-bit calls too, and x0.
SECTION("kprobe/affinity_arm64") int affinity_arm64(u64 *context) { return CALLING_AFFINITY(0, 0, 1, 2); }
SECTION("kprobe/sched_arm64") int sched_arm64(u64 *context) { return CALLING_SCHEDULING(0, 0); }
SECTION("kprobe/return_arm64") int return_arm64(u64 *context) { return returned((s64)context[0]); }

// The tracepoints of system calls: where one is on, every call of the machine takes longer. 32-bit calls aren't seen.
struct enter_record {
	u64 common;
	s32 number, pad;
	u64 arguments[3];
};
struct exit_record {
	u64 common;
	s32 number, pad;
	s64 result;
};

SECTION("tracepoint/enter_affinity")
int enter_affinity(struct enter_record *record)
{
	return calling(AFFINITY, record->arguments[0], (const void *)record->arguments[2], (u32)record->arguments[1]);
}

SECTION("tracepoint/enter_sched")
int enter_sched(struct enter_record *record) { return calling(SCHEDULING, record->arguments[0], 0, 0); }

SECTION("tracepoint/exit_any")
int exit_any(struct exit_record *record) { return returned(record->result); }

struct rename_record {
	u64 common;
	s32 pid;
	char old_name[NAME];
	u8 new_name[NAME];
};

// Also at each exec. Only a thread of the same process may rename a thread, so that the caller's process is the thread's.
SECTION("tracepoint/renamed")
int renamed(struct rename_record *record)
{
	u32 tgid = current_ids() >> 32;
	u8 *is = record->new_name;
	struct event *event;

	if (!(is[0] == 'C' && is[1] == 'P' && is[2] == 'U' && is[3] == ' ') && !(is[0] == 'I' && is[1] == 'O' && is[2] == ' '))
		return 0;
	if (exceeds(&name_shares, tgid, 2048, SECOND / 16)) {
		COUNT(name_excess);
		return 0;
	}
	event = ring_reserve(&events, sizeof(struct short_event), 0);
	if (!event) {
		COUNT(lost);
		return 0;
	}
	begin(event, RENAME, record->pid);
	// No plain copy: the compiler moves the pointer for it, and the verifier refuses a moved pointer to the record.
	read_kernel(event->name, NAME, record->new_name);
	event->name[NAME - 1] = 0;
	ring_submit(event, 0);
	return 0;
}

struct attach_record {
	u64 common;
	s32 root, level;
	u64 id;
	s32 pid;
};

// Once a call, with the first thread where a whole process is moved.
SECTION("tracepoint/attached")
int attached(struct attach_record *record)
{
	u32 tid = record->pid;
	struct event *event;

	if (!map_lookup(&watched, &tid) || is_own())
		return 0;
	if (exceeds(&mask_shares, current_ids() >> 32, 512, SECOND / 16)) {
		COUNT(mask_excess);
		return 0;
	}
	event = begin_told(ATTACH, tid);
	if (!event)
		return 0;
	event->value = record->id;
	ring_submit(event, 0);
	return 0;
}
