/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/trap/clock.h"

#include <capstone/capstone.h>
#include <elf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "platform/host.h"
#include "platform/trap/stub/answer.h"

enum { PIECES = 4, FUNCTIONS = 16, CLOCKS = 12 };

/* What clock_find() knows; the image is [vdso] as the kernel mapped it in this process. */
static struct {
	struct piece {
		uint64_t start, end;
	} pieces[PIECES]; /* [vvar], [vvar_vclock], [vdso]: in the order of their addresses */
	unsigned count;
	const unsigned char *image;
	uint64_t size;
	uint64_t gettime, getcpu; /* offsets in the image; 0: not usable */
	uint32_t ids;
} found;

static uint64_t moved_text; /* clock_ready() */

typedef long clock_function(int id, struct timespec *out);

/* Lines of /proc/self/maps whose name begins with [v: all of the kernel's but [vsyscall]. */
static void find_pieces(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512], name[32];
	struct piece p;
	while (f && fgets(line, sizeof line, f)) {
		if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %31s", &p.start, &p.end, name) != 3 ||
		    (strncmp(name, "[vvar", 5) != 0 && strcmp(name, "[vdso]") != 0))
			continue;
		if (found.count < PIECES)
			found.pieces[found.count] = p;
		found.count++;
		if (strcmp(name, "[vdso]") == 0) {
			found.image = (const unsigned char *)(uintptr_t)p.start;
			found.size = p.end - p.start;
		}
	}
	if (f)
		fclose(f);
}

static bool in_image(uint64_t off, uint64_t size)
{
	return off < found.size && size <= found.size - off;
}

/* The value of a tag of PT_DYNAMIC, as an offset in the image; 0: none. */
static uint64_t dynamic(uint64_t want)
{
	const Elf64_Ehdr *e = (const void *)found.image;
	if (e->e_phentsize != sizeof(Elf64_Phdr) ||
	    !in_image(e->e_phoff, (uint64_t)e->e_phnum * sizeof(Elf64_Phdr)))
		return 0;
	const Elf64_Phdr *ph = (const void *)(found.image + e->e_phoff);
	for (unsigned i = 0; i < e->e_phnum; i++) {
		if (ph[i].p_type != PT_DYNAMIC || !in_image(ph[i].p_offset, ph[i].p_filesz))
			continue;
		const Elf64_Dyn *d = (const void *)(found.image + ph[i].p_offset);
		for (uint64_t n = ph[i].p_filesz / sizeof *d; n > 0 && d->d_tag != DT_NULL;
		     n--, d++)
			if ((uint64_t)d->d_tag == want)
				return d->d_un.d_ptr;
	}
	return 0;
}

/* Symbols end where their names begin, in every vDSO so far; else none is found. */
static const Elf64_Sym *find_symbol(const char *name)
{
	uint64_t syms = dynamic(DT_SYMTAB), names = dynamic(DT_STRTAB), size = dynamic(DT_STRSZ);
	if (syms == 0 || names <= syms || !in_image(names, size) || size == 0 ||
	    found.image[names + size - 1] != '\0')
		return NULL;
	for (; syms + sizeof(Elf64_Sym) <= names; syms += sizeof(Elf64_Sym)) {
		const Elf64_Sym *s = (const void *)(found.image + syms);
		if (s->st_name < size && s->st_value != 0 &&
		    strcmp((const char *)found.image + names + s->st_name, name) == 0)
			return s;
	}
	return NULL;
}

/* A walk over code: functions still to be read. */
struct walk {
	csh cs;
	uint64_t at[FUNCTIONS], size[FUNCTIONS];
	unsigned count;
};

static bool walk_add(struct walk *w, uint64_t at, uint64_t size)
{
	for (unsigned i = 0; i < w->count; i++)
		if (at >= w->at[i] && at < w->at[i] + w->size[i])
			return true;
	if (w->count == FUNCTIONS || !in_image(at, size))
		return false;
	w->at[w->count] = at;
	w->size[w->count++] = size;
	return true;
}

/* Where a jump goes; 0: not to a place that is written in it. */
static uint64_t jump_target(const cs_insn *i)
{
	const cs_x86 *x = &i->detail->x86;
	return x->op_count == 1 && x->operands[0].type == X86_OP_IMM ? (uint64_t)x->operands[0].imm
								     : 0;
}

/* How long the function is that a call names: to the first end that no jump goes beyond. */
static uint64_t length_at(struct walk *w, uint64_t at)
{
	const unsigned char *code = found.image + at;
	size_t left = found.size - at;
	uint64_t pc = at, size = 0, furthest = at;
	cs_insn *i = cs_malloc(w->cs);
	while (i && size == 0 && cs_disasm_iter(w->cs, &code, &left, &pc, i)) {
		bool ends = i->id == X86_INS_JMP || cs_insn_group(w->cs, i, CS_GRP_RET);
		if (cs_insn_group(w->cs, i, CS_GRP_JUMP))
			furthest = max_u64(furthest, jump_target(i));
		if (ends && i->address >= furthest)
			size = pc - at;
	}
	if (i)
		cs_free(i, 1);
	return size;
}

/* x87 mnemonics begin with f; AVX ones with v, as do a few a vDSO has no use for either. */
static bool is_general(const cs_insn *i)
{
	return i->mnemonic[0] != 'f' && i->mnemonic[0] != 'v' && !strstr(i->op_str, "mm") &&
	       !strstr(i->op_str, "st(") && !strstr(i->op_str, " k");
}

static bool step(struct walk *w, const cs_insn *i, uint64_t start, uint64_t end)
{
	bool call = cs_insn_group(w->cs, i, CS_GRP_CALL);
	uint64_t to = jump_target(i), size;
	if (!is_general(i))
		return false;
	if (!call && !cs_insn_group(w->cs, i, CS_GRP_JUMP))
		return true;
	/* Through a register: a switch stays in its function, a call may go anywhere. */
	if (to == 0)
		return !call;
	if (to >= start && to < end)
		return true;
	if (!in_image(to, 1) || (size = length_at(w, to)) == 0)
		return false;
	return walk_add(w, to, size);
}

/* Capstone 4 does not know rdpid: it reads one general register. */
static size_t skip_unknown(const unsigned char *p, uint64_t left)
{
	return left >= 4 && p[0] == 0xf3 && p[1] == 0x0f && p[2] == 0xc7 && p[3] >> 3 == 0x1f ? 4
											      : 0;
}

static bool function_is_general(struct walk *w, uint64_t at, uint64_t size)
{
	const unsigned char *code = found.image + at;
	uint64_t pc = at, end = at + size;
	size_t left = size;
	cs_insn *insn = cs_malloc(w->cs);
	bool ok = insn != NULL;
	while (ok && left > 0) {
		size_t skip = skip_unknown(code, left);
		if (skip > 0) {
			code += skip;
			left -= skip;
			pc += skip;
			continue;
		}
		ok = cs_disasm_iter(w->cs, &code, &left, &pc, insn) && step(w, insn, at, end);
	}
	if (insn)
		cs_free(insn, 1);
	return ok;
}

/* The offset of a function whose code, with all that it calls, is of general registers only. */
static uint64_t find_function(const char *name)
{
	const Elf64_Sym *s = find_symbol(name);
	struct walk w = {0};
	bool ok = s && cs_open(CS_ARCH_X86, CS_MODE_64, &w.cs) == CS_ERR_OK;
	if (!ok)
		return 0;
	cs_option(w.cs, CS_OPT_DETAIL, CS_OPT_ON);
	ok = walk_add(&w, s->st_value, s->st_size);
	for (unsigned i = 0; ok && i < w.count; i++)
		ok = function_is_general(&w, w.at[i], w.size[i]);
	cs_close(&w.cs);
	return ok ? s->st_value : 0;
}

/* In the child: reads clocks from `first` on; a system call ends it. */
static _Noreturn void probe_child(volatile unsigned char *done, unsigned first)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL),
	};
	struct sock_fprog prog = {.len = 4, .filter = code};
	struct timespec now;
	clock_function *read = (clock_function *)(uintptr_t)(found.image + found.gettime);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		syscall(SYS_exit, 1);
	for (unsigned id = first; id < CLOCKS; id++) {
		if (id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID)
			continue;
		done[id] = 1;
		done[id] = read((int)id, &now) == 0 ? 2 : 1;
	}
	for (;;)
		syscall(SYS_exit, 0);
}

/* Which clocks need no system call: each one that kills its reader is one more child. */
static uint32_t probe(void)
{
	unsigned char *done =
		mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t ids = 0;
	if (done == MAP_FAILED)
		return 0;
	for (unsigned first = 0; first < CLOCKS;) {
		int status = 0;
		/* Not fork(3): a sanitizer's does more. */
		int pid = (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (pid == 0)
			probe_child(done, first);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			break;
		if (WIFEXITED(status))
			break;
		while (first < CLOCKS && done[first] != 1)
			first++;
		first++;
	}
	for (unsigned id = 0; id < CLOCKS; id++)
		if (done[id] == 2)
			ids |= 1u << id;
	munmap(done, PAGE_SIZE);
	return ids;
}

void clock_find(void)
{
	moved_text = 0;
	found.count = 0;
	find_pieces();
	if (!found.image || found.count > PIECES ||
	    (uintptr_t)found.image != getauxval(AT_SYSINFO_EHDR) ||
	    found.pieces[found.count - 1].end - found.pieces[0].start > CLOCK_SIZE)
		return;
	found.gettime = find_function("__vdso_clock_gettime");
	found.getcpu = find_function("__vdso_getcpu");
	if (found.gettime)
		found.ids = probe();
}

/* Where what is at addr in this process goes: the last piece ends where the text begins. */
static uint64_t target(uint64_t text, uint64_t addr)
{
	return text - (found.pieces[found.count - 1].end - addr);
}

bool clock_move(uint64_t text)
{
	if (!found.gettime && !found.getcpu)
		return false;
	for (unsigned i = 0; i < found.count; i++) {
		uint64_t from = found.pieces[i].start, size = found.pieces[i].end - from;
		void *to = (void *)(uintptr_t)target(text, from);
		if (mremap((void *)(uintptr_t)from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
			   to) != to) {
			munmap((void *)(uintptr_t)(text - CLOCK_SIZE), CLOCK_SIZE);
			return false;
		}
	}
	return true;
}

/* The image there has to be ours: the text of a function is as good as all of it. */
static bool is_there(int pid, uint64_t image)
{
	unsigned char there[64];
	uint64_t off = found.gettime ? found.gettime : found.getcpu;
	struct iovec local = {there, sizeof there};
	struct iovec remote = {(void *)(uintptr_t)(image + off), sizeof there};
	return in_image(off, sizeof there) &&
	       host_vm_read(pid, &local, 1, &remote, 1) == sizeof there &&
	       memcmp(there, found.image + off, sizeof there) == 0;
}

void clock_ready(int pid, uint64_t text)
{
	if ((found.gettime || found.getcpu) && is_there(pid, target(text, (uintptr_t)found.image)))
		moved_text = text;
}

static uint64_t address(uint64_t off)
{
	return moved_text && off ? target(moved_text, (uintptr_t)found.image) + off : 0;
}

uint64_t clock_gettime_at(void)
{
	return address(found.gettime);
}

uint64_t clock_getcpu_at(void)
{
	return address(found.getcpu);
}

uint32_t clock_ids(void)
{
	return moved_text ? found.ids : 0;
}
