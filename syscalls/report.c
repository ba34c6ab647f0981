/* SPDX-License-Identifier: Apache-2.0 */
#include "syscalls/report.h"

#include <errno.h>
#include <string.h>

#include "platform/base/kver.h"
#include "platform/base/types.h"
#include "syscalls/flags.h"
#include "syscalls/table.h"

/* Lower case, as the H_ flags without their prefix. */
static void put_host(FILE *out, uint32_t host, const char *between)
{
	static const char *const names[] = {"mm", "file", "gofer", "time", "proc", "sleep", "tty"};
	bool any = false;

	for (unsigned int b = 0; b < ARRAY_SIZE(names); b++) {
		if (!(host >> b & 1))
			continue;
		fprintf(out, "%s%s", any ? between : "", names[b]);
		any = true;
	}
	if (!any)
		fprintf(out, "-");
}

static void put_args(FILE *out, const struct sysrow *row)
{
	for (unsigned int i = 0; i < row->nargs; i++)
		fprintf(out, "%s%s", i ? ", " : "", row->args[i].name);
}

static const char *note_of(const struct sysrow *row)
{
	return row->note ? row->note : "";
}

static void put_table_row(FILE *out, unsigned int nr, const struct sysrow *row)
{
	fprintf(out, "%3u  %-24s %-8s %-6s %s\n", nr, row->name, row->since,
		support_name(row->support), note_of(row));
}

/* Notes hold commas but no quotes and no control characters (tests/unit/table.c). */
static void put_csv_row(FILE *out, unsigned int nr, const struct sysrow *row)
{
	fprintf(out, "%u,%s,%s,%s,\"%s\",", nr, row->name, row->since, support_name(row->support),
		note_of(row));
	put_host(out, row->host, " ");
	fprintf(out, ",\"");
	put_args(out, row);
	fprintf(out, "\"\n");
}

static void put_json_row(FILE *out, unsigned int nr, const struct sysrow *row)
{
	fprintf(out,
		"  {\"number\": %u, \"name\": \"%s\", \"since\": \"%s\", \"support\": \"%s\", "
		"\"note\": \"%s\", \"host\": \"",
		nr, row->name, row->since, support_name(row->support), note_of(row));
	put_host(out, row->host, " ");
	fprintf(out, "\", \"args\": [");
	for (unsigned int i = 0; i < row->nargs; i++)
		fprintf(out, "%s{\"name\": \"%s\", \"kind\": \"%s\", \"type\": \"%s\"}",
			i ? ", " : "", row->args[i].name, argkinds[row->args[i].kind].name,
			argkinds[row->args[i].kind].type);
	fprintf(out, "]}");
}

static void put_md_row(FILE *out, unsigned int nr, const struct sysrow *row)
{
	fprintf(out, "| %u | %s(", nr, row->name);
	put_args(out, row);
	fprintf(out, ") | %s | %s | %s | ", row->since, support_name(row->support), note_of(row));
	put_host(out, row->host, ", ");
	fprintf(out, " |\n");
}

static unsigned int count_support(enum support s)
{
	unsigned int n = 0;

	for (unsigned int nr = 0; nr < NR_END; nr++)
		n += systab[nr].name && systab[nr].support == s;
	return n;
}

static void put_counts(FILE *out)
{
	fprintf(out, "%u FULL, %u PART, %u STUB, %u NOSYS\n", count_support(SUPPORT_FULL),
		count_support(SUPPORT_PART), count_support(SUPPORT_STUB),
		count_support(SUPPORT_NONE));
}

static const char md_head[] =
	"# System calls\n"
	"\n"
	"Printed by `vedette syscalls --format=md` from `syscalls/table.def`; `make docs` renews "
	"it.\n"
	"\n"
	"- **Since**: the first Linux with the call; never: a number that was not wired up on "
	"x86-64.\n"
	"- **Support**: FULL, covered by a test of `tests/guest`; PART, with what is missing; "
	"STUB,\n"
	"  with what it does instead; NOSYS, the guest gets ENOSYS, with the reason.\n"
	"- **Host**: what the call may make vedette ask of the host: mm, the memory of the "
	"guest's\n"
	"  process; file, a host descriptor that is open; gofer, a name; time, a clock; proc, "
	"start\n"
	"  or end of a process; tty, the terminal; sleep, it may wait. -: nothing.\n"
	"\n";

static void show_json(FILE *out)
{
	bool any = false;

	fprintf(out, "[\n");
	for (unsigned int nr = 0; nr < NR_END; nr++) {
		if (!systab[nr].name)
			continue;
		if (any)
			fprintf(out, ",\n");
		put_json_row(out, nr, &systab[nr]);
		any = true;
	}
	fprintf(out, "\n]\n");
}

static void show_rows(FILE *out, void (*put)(FILE *, unsigned int, const struct sysrow *))
{
	for (unsigned int nr = 0; nr < NR_END; nr++) {
		if (systab[nr].name)
			put(out, nr, &systab[nr]);
	}
}

int syscalls_show(const char *format, FILE *out)
{
	if (!format || strcmp(format, "table") == 0) {
		fprintf(out, " nr  %-24s %-8s %-6s note\n", "name", "since", "support");
		show_rows(out, put_table_row);
		put_counts(out);
	} else if (strcmp(format, "csv") == 0) {
		fprintf(out, "number,name,since,support,note,host,args\n");
		show_rows(out, put_csv_row);
	} else if (strcmp(format, "json") == 0) {
		show_json(out);
	} else if (strcmp(format, "md") == 0) {
		fputs(md_head, out);
		put_counts(out);
		fprintf(out, "\n| Nr | Call | Since | Support | Note | Host |\n"
			     "|---:|---|---|---|---|---|\n");
		show_rows(out, put_md_row);
	} else {
		return -EINVAL;
	}
	return 0;
}

struct tally {
	unsigned int calls, calls_of;
	unsigned int flags, flags_of;
};

static uint32_t version_of(const char *since)
{
	uint32_t v = KVER_NEVER;

	/* Every `since` is a version: tests/unit/table.c. */
	(void)kver_parse(since, &v);
	return v;
}

/* What exactly this version added. */
static struct tally tally_version(uint32_t version)
{
	struct tally t = {0};

	for (unsigned int nr = 0; nr < NR_END; nr++) {
		if (!systab[nr].name || version_of(systab[nr].since) != version)
			continue;
		t.calls_of++;
		t.calls += systab[nr].support != SUPPORT_NONE;
	}
	for (size_t i = 0; i < flag_row_count; i++) {
		if (version_of(flag_rows[i].since) != version)
			continue;
		t.flags_of++;
		t.flags += flag_rows[i].supported;
	}
	return t;
}

/* The smallest version above `after` that added something; KVER_NEVER: none. */
static uint32_t next_version(uint32_t after)
{
	uint32_t best = KVER_NEVER;

	for (unsigned int nr = 0; nr < NR_END; nr++) {
		uint32_t v = systab[nr].name ? version_of(systab[nr].since) : KVER_NEVER;

		if (v > after && v < best)
			best = v;
	}
	for (size_t i = 0; i < flag_row_count; i++) {
		uint32_t v = version_of(flag_rows[i].since);

		if (v > after && v < best)
			best = v;
	}
	return best;
}

static void put_tally(FILE *out, const char *label, const struct tally *t)
{
	char calls[32] = "-", flags[32] = "-";

	if (t->calls_of)
		snprintf(calls, sizeof(calls), "%u of %u", t->calls, t->calls_of);
	if (t->flags_of)
		snprintf(flags, sizeof(flags), "%u of %u", t->flags, t->flags_of);
	fprintf(out, "%-10s %-12s %-12s", label, calls, flags);
}

/* Only a few are missing from new kernels: worth naming. */
static void put_missing(FILE *out, uint32_t version)
{
	const char *between = "";

	for (unsigned int nr = 0; nr < NR_END; nr++) {
		if (!systab[nr].name || systab[nr].support != SUPPORT_NONE ||
		    version_of(systab[nr].since) != version)
			continue;
		fprintf(out, "%s%s", between, systab[nr].name);
		between = " ";
	}
	fprintf(out, "\n");
}

int syscalls_since(const char *version, FILE *out)
{
	struct tally sum = {0};
	uint32_t last = KVER_NEVER - 1;
	char name[16];

	if (version && (kver_parse(version, &last) < 0 || last == KVER_NEVER))
		return -EINVAL;
	fprintf(out, "%-10s %-12s %-12s not offered\n", "Linux", "calls", "flags");
	for (uint32_t v = next_version(0); v <= last && v != KVER_NEVER; v = next_version(v)) {
		struct tally t = tally_version(v);

		put_tally(out, kver_format(v, name, sizeof(name)), &t);
		put_missing(out, v);
		sum.calls += t.calls;
		sum.calls_of += t.calls_of;
		sum.flags += t.flags;
		sum.flags_of += t.flags_of;
	}
	put_tally(out, "all", &sum);
	fprintf(out, "\n");
	return 0;
}

int syscalls_number(const char *name)
{
	const struct sysrow *row = sysrow_find(name);
	return row ? (int)(row - systab) : -1;
}
