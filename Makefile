# vedette: `make demo` and `make test` do everything, on a fresh Debian too.
#   make                      release binary build/release/vedette
#   make SAN=address,undefined    (or thread): build/asan, build/tsan
#   make CC=clang WHAT        any of it with clang
# Variables: CC, SAN, CHECK=1 (lock ranks on; implied by SAN), V=1 (show commands)

CC     ?= gcc
SAN    ?=
CHECK  ?=
VARIANT := $(if $(findstring thread,$(SAN)),tsan,$(if $(SAN),asan,$(if $(CHECK),check,release)))$(if $(findstring clang,$(CC)),-clang)
B      := build/$(VARIANT)
Q      := $(if $(V),,@)

WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror
CLANGW := $(if $(findstring clang,$(CC)),-Wthread-safety)
CFLAGS := -std=gnu17 -O2 -g -D_GNU_SOURCE -I. $(WARN) $(CLANGW) -fno-strict-aliasing -fstack-protector-strong -fPIE -pthread \
	  $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined,-D_FORTIFY_SOURCE=2) $(if $(SAN)$(CHECK),-DVEDETTE_CHECK)
LIBS   := -lseccomp -lcapstone -ljansson
LDFLAGS := $(if $(SAN),-pie -fsanitize=$(SAN),-static-pie) -pthread

# oci/scope is a program of its own, with libsystemd.
SRC    := $(sort $(filter-out oci/scope/%,$(shell find platform sentry syscalls oci -name '*.c' -o -name '*.S')))
OBJ    := $(patsubst %,$(B)/%.o,$(SRC))
MAIN   := $(B)/oci/main.c.o
HOSTILE := $(patsubst tests/hostile/%.c,build/hostile/%,$(wildcard tests/hostile/*.c))
GUESTS := $(patsubst tests/guest/%.c,build/guest/%,$(wildcard tests/guest/*.c))
UNITS  := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*.c))

.PHONY: all demo test unit guest hostile lint docs bench install deb clean headers format tidy
all: $(B)/vedette $(B)/vedette-scope

$(B)/vedette: $(OBJ)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS)

$(B)/vedette-scope: oci/scope/main.c
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(CFLAGS) $(if $(SAN),-fsanitize=$(SAN)) -pie -o $@ $< -lsystemd

$(B)/libvedette.a: $(filter-out $(MAIN),$(OBJ))
	$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)

$(B)/%.o: %
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

# What runs in a stub: no library, no data, no vector registers, nothing that watches over it.
STUB_FLAGS := -std=gnu17 -O2 -g -D_GNU_SOURCE -I. $(WARN) -fpie -ffreestanding -mgeneral-regs-only -fno-stack-protector \
	  -fno-jump-tables -fcf-protection=none -fno-asynchronous-unwind-tables -fno-builtin \
	  $(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns)
$(B)/platform/trap/stub/%.o: CFLAGS := $(STUB_FLAGS)

# Guest programs are static, and know nothing of vedette.
guest: $(GUESTS)
build/guest/%: tests/guest/%.c tests/guest/test.h
	@mkdir -p $(@D)
	@echo "  GUEST $<"
	$(Q)$(CC) -std=gnu17 -O1 -g $(WARN) -static -pthread -o $@ $<

# Guest programs that know all about vedette, and mean no good.
hostile: $(HOSTILE)
build/hostile/%: tests/hostile/%.c tests/hostile/raw.h tests/guest/task.h tests/guest/test.h
	@mkdir -p $(@D)
	@echo "  GUEST $<"
	$(Q)$(CC) -std=gnu17 -O1 -g -D_GNU_SOURCE -I. $(WARN) -static -pthread -o $@ $<

unit: $(UNITS)
$(B)/unit/%: tests/unit/%.c $(B)/libvedette.a
	@mkdir -p $(@D)
	@echo "  UNIT  $<"
	$(Q)$(CC) $(filter-out -Wmissing-prototypes,$(CFLAGS)) $(if $(SAN),-pie -fsanitize=$(SAN),-pie) -MMD -MP -o $@ $< $(B)/libvedette.a -lcmocka $(LIBS)

-include $(OBJ:.o=.d) $(UNITS:%=%.d)

# What a fresh Debian lacks, by package name.
BUILD_DEPS := gcc libc6-dev libseccomp-dev libcapstone-dev libjansson-dev libsystemd-dev
TEST_DEPS  := $(BUILD_DEPS) clang libclang-rt-14-dev libcmocka-dev busybox-static python3 perl git sqlite3 procps sysstat bash tar gzip nodejs gdb strace
# Without these the tests of engines are skipped, and say so.
ENGINE_DEPS := podman buildah skopeo umoci containerd docker.io runc crun conmon netavark containernetworking-plugins \
	  fuse-overlayfs slirp4netns uidmap iptables iproute2 bsdutils jq tini catatonit python3-grpcio systemd dbus
DEMO_DEPS  := $(BUILD_DEPS) bash coreutils procps python3 perl git sqlite3 tar gzip nodejs

demo: ; @sh tests/deps $(DEMO_DEPS)
	@$(MAKE) --no-print-directory build/oldhost all
	@bash tests/demo build/release/vedette

test: ; @sh tests/deps $(TEST_DEPS)
	@sh tests/deps $(ENGINE_DEPS) || echo "SKIP some of the container engines cannot be installed here"
	@$(MAKE) --no-print-directory all-tests

# Release and ASan+UBSan run everything; TSan runs the unit tests and the guests with threads.
.PHONY: all-tests programs
all-tests:
	@$(MAKE) --no-print-directory -j2 all guest hostile unit build/oldhost
	@$(MAKE) --no-print-directory -j2 SAN=address,undefined all unit
	@$(MAKE) --no-print-directory -j2 SAN=thread all unit
	@$(MAKE) --no-print-directory lint
	@sh tests/all

build/oldhost: tests/oldhost/oldhost.c
	@mkdir -p build
	$(Q)$(CC) -std=gnu17 -O2 -D_GNU_SOURCE -I. $(WARN) -static -o $@ $<

lint: headers
	@sh tests/layers
	@sh tests/table_mistakes $(CC)
	@sh tests/table_coverage
	@sh tests/stub_text $(B)

# Every header compiles alone.
headers:
	@for h in $$(find platform sentry syscalls oci -name '*.h'); do \
		echo "#include \"$$h\"" | $(CC) -std=gnu17 -D_GNU_SOURCE -I. $(WARN) -fsyntax-only -xc - || exit 1; done

# TIDY=sentry/net looks elsewhere; .clang-tidy says what for.
TIDY ?= platform oci
tidy:
	@find $(TIDY) -name '*.c' | xargs -n 4 -P 2 sh -c 'clang-tidy --quiet "$$@" -- -std=gnu17 -D_GNU_SOURCE -I. 2>/dev/null' tidy

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

docs: $(B)/vedette
	$(B)/vedette syscalls --format=md >docs/syscalls.md

# PEER=1 installs runsc first; BENCH='--only=stat --rounds=9' is for bench/run.
BENCH_DEPS := $(BUILD_DEPS) python3 gnuplot-nox
bench: ; @sh tests/deps $(BENCH_DEPS)
	@$(if $(PEER),sh bench/peer)
	@$(MAKE) --no-print-directory -j2 all build/bench/micro
	@bench/run $(BENCH) build/release/vedette

build/bench/micro: $(wildcard bench/micro/*.c bench/micro/*.h)
	@mkdir -p $(@D)
	@echo "  BENCH $@"
	$(Q)$(CC) -std=gnu17 -O2 -g -D_GNU_SOURCE $(WARN) -static -pthread -o $@ $(filter %.c,$^)

# The sentry alone: build/bench/sentry do --platform=ptrace -- /bin/true
build/bench/sentry: $(OBJ) $(wildcard bench/sentry/*.c bench/sentry/*.h)
	@mkdir -p $(@D)
	@echo "  BENCH $@"
	$(Q)objcopy --redefine-sym ptrace_platform=loop_platform $(B)/oci/sentry.c.o build/bench/loop.o
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter-out $(B)/oci/sentry.c.o,$(OBJ)) build/bench/loop.o $(wildcard bench/sentry/*.c) $(LIBS)

PREFIX ?= /usr/local
SNIPPETS := containers.conf containerd.toml docker.json runtimeclass.yaml
install: all
	install -D -m755 $(B)/vedette $(DESTDIR)$(PREFIX)/bin/vedette
	install -D -m755 $(B)/vedette-scope $(DESTDIR)$(PREFIX)/libexec/vedette-scope
	install -D -m644 -t $(DESTDIR)$(PREFIX)/share/man/man1 docs/vedette.1
	sh packaging/manpages $(B)/vedette $(DESTDIR)$(PREFIX)/share/man/man1
	install -D -m644 packaging/vedette.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/vedette
	install -D -m644 -t $(DESTDIR)$(PREFIX)/share/doc/vedette docs/engines.md
	install -d $(DESTDIR)$(PREFIX)/share/vedette
	for f in $(SNIPPETS); do \
		sed 's|@BINDIR@|$(PREFIX)/bin|' packaging/$$f >$(DESTDIR)$(PREFIX)/share/vedette/$$f || exit 1; done

deb: all
	@rm -rf build/deb
	@$(MAKE) --no-print-directory install PREFIX=/usr DESTDIR=build/deb/root >/dev/null
	@strip build/deb/root/usr/bin/vedette build/deb/root/usr/libexec/vedette-scope
	@sh packaging/deb $(B)/vedette build/deb

clean:
	rm -rf build
