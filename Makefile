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

SRC    := $(sort $(shell find platform sentry syscalls oci -name '*.c' -o -name '*.S'))
OBJ    := $(patsubst %,$(B)/%.o,$(SRC))
MAIN   := $(B)/oci/main.c.o
GUESTS := $(patsubst tests/guest/%.c,build/guest/%,$(wildcard tests/guest/*.c))
UNITS  := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*.c))

.PHONY: all demo test unit guest lint docs bench install clean deps headers format
all: $(B)/vedette

$(B)/vedette: $(OBJ)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS)

$(B)/libvedette.a: $(filter-out $(MAIN),$(OBJ))
	$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)

$(B)/%.o: %
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

# Guest programs are static, and know nothing of vedette.
guest: $(GUESTS)
build/guest/%: tests/guest/%.c tests/guest/test.h
	@mkdir -p $(@D)
	@echo "  GUEST $<"
	$(Q)$(CC) -std=gnu17 -O1 -g $(WARN) -static -pthread -o $@ $<

unit: $(UNITS)
$(B)/unit/%: tests/unit/%.c $(B)/libvedette.a
	@mkdir -p $(@D)
	@echo "  UNIT  $<"
	$(Q)$(CC) $(filter-out -Wmissing-prototypes,$(CFLAGS)) $(if $(SAN),-pie -fsanitize=$(SAN),-pie) -MMD -MP -o $@ $< $(B)/libvedette.a -lcmocka $(LIBS)

-include $(OBJ:.o=.d) $(UNITS:%=%.d)

# What a fresh Debian lacks, by package name.
PACKAGES := gcc clang libc6-dev libseccomp-dev libcapstone-dev libjansson-dev libcmocka-dev
deps:
	@sh tests/deps $(PACKAGES)

clean:
	rm -rf build
