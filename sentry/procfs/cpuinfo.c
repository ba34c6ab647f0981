/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/cpuinfo, from the CPUID instruction, which guests may execute as well.
 *
 * The frequency is that of the time stamp counter, measured against the clock
 * between the start of the sandbox and now.  Left out: microcode, bugs, power
 * management, which only the host's kernel knows.
 */
#include <cpuid.h>
#include <string.h>
#include <x86intrin.h>

#include "sentry/procfs/machine.h"
#include "sentry/res/resources.h"
#include "sentry/sync/timer.h"

struct regs4 {
	uint32_t eax, ebx, ecx, edx;
};

enum { EAX, EBX, ECX, EDX };

struct flag {
	uint32_t leaf, sub;
	uint8_t reg, bit;
	const char *name;
};

/* Names as Linux has them; a bit without one there has none here. */
static const struct flag flags[] = {
#define F(leaf, sub, reg, bit, name) {leaf, sub, reg, bit, #name},
#include "sentry/procfs/cpuflags.def"
#undef F
};

static uint64_t start_tsc;	/* I */
static int64_t start_ns;	/* I */

void cpuinfo_init(void)
{
	start_ns = clock_mono_ns();
	start_tsc = __rdtsc();
}

static struct regs4 cpuid(uint32_t leaf, uint32_t sub)
{
	struct regs4 r = {0, 0, 0, 0};
	uint32_t max = __get_cpuid_max(leaf & 0x80000000, NULL);
	if (max >= leaf)
		__cpuid_count(leaf, sub, r.eax, r.ebx, r.ecx, r.edx);
	return r;
}

static bool flag_set(const struct flag *f)
{
	struct regs4 r = cpuid(f->leaf, f->sub);
	const uint32_t v[] = {[EAX] = r.eax, [EBX] = r.ebx, [ECX] = r.ecx, [EDX] = r.edx};
	return v[f->reg] >> f->bit & 1;
}

static void put_flags(struct text *out)
{
	text_str(out, "flags\t\t:");
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (flag_set(&flags[i]))
			text_printf(out, " %s", flags[i].name);
	text_put(out, "\n", 1);
}

/* The brand string, without the blanks around it; or what there is on old machines. */
static void put_model_name(struct text *out)
{
	char name[49] = {0};

	for (uint32_t i = 0; i < 3; i++) {
		struct regs4 r = cpuid(0x80000002 + i, 0);
		memcpy(name + 16 * i, &r, 16);
	}
	size_t skip = strspn(name, " "), n = strlen(name);
	while (n > skip && name[n - 1] == ' ')
		name[--n] = 0;
	text_printf(out, "model name\t: %s\n", name[skip] ? name + skip : "unknown");
}

static void put_identity(struct text *out)
{
	struct regs4 v = cpuid(0, 0), r = cpuid(1, 0);
	char vendor[13] = {0};
	unsigned family = r.eax >> 8 & 15, model = r.eax >> 4 & 15;

	memcpy(vendor, &v.ebx, 4);
	memcpy(vendor + 4, &v.edx, 4);
	memcpy(vendor + 8, &v.ecx, 4);
	if (family >= 6)
		model |= (r.eax >> 16 & 15) << 4;
	if (family == 15)
		family += r.eax >> 20 & 255;
	text_printf(out, "vendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n", vendor, family, model);
	put_model_name(out);
	text_printf(out, "stepping\t: %u\n", r.eax & 15);
}

/* Kilohertz of the time stamp counter. */
static uint64_t tsc_khz(void)
{
	int64_t ns = clock_mono_ns() - start_ns;
	uint64_t ticks = __rdtsc() - start_tsc;
	/* Kept small enough for the multiplication: days. */
	return ns > 1000 ? ticks / ((uint64_t)ns / 1000) * 1000 +
				   ticks % ((uint64_t)ns / 1000) * 1000 / ((uint64_t)ns / 1000)
			 : 0;
}

/* In KiB: the last level's, but on machines that follow AMD the second's, as Linux shows it. */
static unsigned cache_kb(void)
{
	unsigned second = cpuid(0x80000006, 0).ecx >> 16, last = 0;

	for (uint32_t i = 0; i < 8; i++) {
		struct regs4 r = cpuid(4, i);
		if ((r.eax & 31) == 0)
			break;
		uint64_t size = (uint64_t)((r.ebx >> 22) + 1) * ((r.ebx >> 12 & 0x3ff) + 1) *
				((r.ebx & 0xfff) + 1) * ((uint64_t)r.ecx + 1);
		last = (unsigned)(size >> 10);
	}
	return last ? last : second;
}

static void put_sizes(struct text *out, uint64_t khz)
{
	struct regs4 one = cpuid(1, 0), address = cpuid(0x80000008, 0);
	unsigned line = (one.ebx >> 8 & 255) * 8;

	text_printf(out, "bogomips\t: %llu.%02llu\n", (unsigned long long)(khz * 2 / 1000),
		    (unsigned long long)(khz * 2 / 10 % 100));
	text_printf(out, "clflush size\t: %u\ncache_alignment\t: %u\n", line, line);
	text_printf(out, "address sizes\t: %u bits physical, %u bits virtual\n", address.eax & 255,
		    address.eax >> 8 & 255);
}

int machine_cpuinfo_show(const struct proc_look *at, struct text *out)
{
	uint64_t khz = tsc_khz();
	unsigned cache = cache_kb(), n = resources_cpus();

	(void)at;
	for (unsigned i = 0; i < n; i++) {
		text_printf(out, "processor\t: %u\n", i);
		put_identity(out);
		if (khz)
			text_printf(out, "cpu MHz\t\t: %llu.%03llu\n",
				    (unsigned long long)(khz / 1000),
				    (unsigned long long)(khz % 1000));
		if (cache)
			text_printf(out, "cache size\t: %u KB\n", cache);
		text_printf(out,
			    "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\n"
			    "cpu cores\t: %u\napicid\t\t: %u\ninitial apicid\t: %u\n",
			    n, i, n, i, i);
		text_printf(out, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
			    cpuid(0, 0).eax);
		put_flags(out);
		put_sizes(out, khz);
		text_put(out, "\n", 1);
	}
	return 0;
}
