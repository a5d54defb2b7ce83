# SPDX-License-Identifier: MIT
#
# Build, test and install memheat.  `make help` lists the targets.
#
# One file and no recursion: every rule sees the whole tree, so a change rebuilds what
# depends on it and nothing else.  Sources are found by wildcard; a new file needs no
# line here.  What the machine has is probed by scripts/probe and kept in config.mk.

VERSION := 0.1.0

# What a user may set -----------------------------------------------------------------

O      ?= build
prefix ?= /usr/local
bindir ?= $(prefix)/bin
mandir ?= $(prefix)/share/man
datadir ?= $(prefix)/share
libdir ?= $(prefix)/lib
docdir ?= $(datadir)/doc/memheat
CFLAGS ?= -g
PKG_CONFIG ?= pkg-config
CLANG  ?= clang
AR     ?= ar
INSTALL ?= install
FUZZ_SECONDS ?= 30
TEST_JOBS ?= 2

# Variants keep their objects apart ------------------------------------------------------

comma := ,
variant := $(if $(SAN),-san-$(subst $(comma),-,$(SAN)))$(if $(COV),-cov)
BUILD := $(O)$(if $(variant),/$(variant:-%=%))

# The probe: required libraries or a message, optional ones by name ----------------------

goals := $(or $(MAKECMDGOALS),all)
install_group = $(if $(filter check check-unit,$(1)),--install test,\
	$(if $(filter check% demo,$(1)),--install build))
no_config := clean help dist format uninstall
ifneq ($(filter-out $(no_config),$(goals)),)
probe_status := $(shell CC='$(CC)' CFLAGS='$(CFLAGS)' LDFLAGS='$(LDFLAGS)' \
	PKG_CONFIG='$(PKG_CONFIG)' scripts/probe \
	$(call install_group,$(goals)) $(BUILD)/config.mk >&2; echo $$?)
ifneq ($(probe_status),0)
$(error something that memheat needs is missing)
endif
include $(BUILD)/config.mk
endif

# Flags: ours first, the user's last so that they win ------------------------------------

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wcast-qual -Wvla -Wundef -Wformat=2 -Wswitch-enum \
	-Wimplicit-fallthrough $(if $(WERROR),-Werror)
OPT  := -O2
HARDEN := -fstack-protector-strong -fPIE
LINK_HARDEN := -pie -Wl,-z,relro,-z,now
ifneq ($(SAN),)
OPT    := -O1
HARDEN := -fPIE -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
LINK_HARDEN += -fsanitize=$(SAN)
else ifneq ($(COV),)
OPT    := -O0
HARDEN += --coverage
LINK_HARDEN += --coverage
else ifeq ($(filter -O0,$(CFLAGS))$(findstring FORTIFY_SOURCE,$(CFLAGS) $(CPPFLAGS)),)
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif

DEFINES := -D_GNU_SOURCE -DMEMHEAT_VERSION='"$(VERSION)"' $(HAVE:%=-DHAVE_%)
CPP_ALL := -Iinclude -Ilib $(DEFINES) $(DEP_CFLAGS)
C_ALL    = -std=gnu11 $(WARN) $(OPT) $(HARDEN)
LIBS    := $(DEP_LIBS) -lm

# Quiet unless V=1 -----------------------------------------------------------------------

Q   := $(if $(V),,@)
say  = $(if $(V),,@printf '  %-7s %s\n' $(1) '$(2)')

# Sources --------------------------------------------------------------------------------

# A file named *_<library>.c is the one place that uses an optional library and is left
# out without it; its callers ask HAVE_<LIBRARY>.
absent := $(filter-out $(HAVE),YAJL ZSTD CAPSTONE LIBDEFLATE PFM)
lower   = $(shell echo $(1) | tr A-Z a-z)
without := $(foreach a,$(call lower,$(absent)),%_$(a).c)
lib_src := $(filter-out $(without),$(sort $(wildcard lib/*/*.c lib/source/*/*.c)))
cmd_src := $(sort $(wildcard cmd/*.c))
unit_src := $(sort $(wildcard tests/unit/*/test_*.c tests/unit/*/*/test_*.c))
tool_src := $(sort $(wildcard tests/tools/*.c))
fuzz_src := $(sort $(wildcard tests/fuzz/fuzz_*.c))

lib_obj := $(lib_src:%.c=$(BUILD)/%.o)
cmd_obj := $(cmd_src:%.c=$(BUILD)/%.o)
unit_bin := $(unit_src:%.c=$(BUILD)/%)
tool_bin := $(tool_src:%.c=$(BUILD)/%)
replay_bin := $(fuzz_src:%.c=$(BUILD)/%)
FUZZ_BUILD := $(O)/fuzz
fuzz_bin := $(fuzz_src:tests/fuzz/%.c=$(FUZZ_BUILD)/%)
fuzz_lib_obj := $(lib_src:%.c=$(FUZZ_BUILD)/%.o)
cli_cases := $(sort $(wildcard tests/cli/*/*.sh))
golden_cases := $(sort $(wildcard tests/golden/*.sh))

lib := $(BUILD)/libmemheat.a
program := $(BUILD)/memheat
shim := $(BUILD)/libmemheat-heap.so

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: FORCE

##@ Build

.PHONY: all memheat
memheat: all
all: $(program) $(shim) ## Build ./memheat (default); O=, V=1, SAN=address,undefined, COV=1, WERROR=1
	@cmp -s $(program) memheat || { cp $(program) memheat.new && mv memheat.new memheat; }
	@cmp -s $(shim) $(notdir $(shim)) || \
		{ cp $(shim) memheat.new && mv memheat.new $(notdir $(shim)); }

$(program): $(cmd_obj) $(lib) $(BUILD)/flags
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LINK_HARDEN) $(LDFLAGS) -pthread -o $@ $(cmd_obj) $(lib) $(LIBS) $(LDLIBS)

# Lives in recorded programs: neither sanitizers nor coverage, no library of its own, and
# calls of malloc(3) are what they say.
$(shim): heap/shim.c lib/record/heap_ring.h $(BUILD)/flags
	$(call say,SHIM,$@)
	$(Q)$(CC) $(CPP_ALL) $(CPPFLAGS) -std=gnu11 $(WARN) -O2 -fPIC -fvisibility=hidden \
		-fno-builtin -fexceptions $(filter-out -O% -fsanitize% -flto% --coverage \
		-fprofile% -ftest-coverage,$(CFLAGS)) -shared -static-libgcc \
		-Wl,-z,relro,-z,now,-z,nodelete,-soname,$(notdir $@) \
		$(filter-out -fsanitize% --coverage,$(LDFLAGS)) -o $@ $<

$(lib): $(lib_obj) $(BUILD)/sources
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(lib_obj)

# The compiler's speed level matters where replay is spent.  Private, as all that is of one
# target and read by a prerequisite's recipe: `flags` would have what asked for it first.
$(BUILD)/lib/trace/%.o $(BUILD)/lib/analyze/%.o: private OPT := $(OPT:-O2=-O3)

$(BUILD)/%.o: %.c $(BUILD)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPP_ALL) $(unit_inc) $(CPPFLAGS) $(C_ALL) $(CFLAGS) -MMD -MP -c -o $@ $<

# One file knows where things are installed; `make install prefix=...` remakes no other.
$(BUILD)/cmd/heap_shim.o: private unit_inc := -DMEMHEAT_LIBDIR='"$(libdir)"'
$(BUILD)/cmd/heap_shim.o: $(BUILD)/libdir
$(BUILD)/libdir: FORCE
	@mkdir -p $(@D)
	$(file >$@.new,$(libdir))
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# Tests run once for each time that they are compiled, and -O2 compiles half as fast.
$(BUILD)/tests/unit/%.o: private OPT := $(OPT:-O2=-O1)

# Objects are remade when the flags change, the archive when a source goes away.  The tag
# tells backup programs, and `make clean`, that the folder is ours.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@[ -f $(O)/CACHEDIR.TAG ] || echo 'Signature: 8a477f597d28d172789f06886806bc55' >$(O)/CACHEDIR.TAG
	$(file >$@.new,$(CC) $(CPP_ALL) $(CPPFLAGS) $(C_ALL) $(CFLAGS) $(LDFLAGS) $(LDLIBS) $(LIBS))
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$(BUILD)/sources: FORCE
	@mkdir -p $(@D)
	$(file >$@.new,$(lib_src))
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

##@ Tests

-include tests/workload/workload.mk

# Tests of cmd/ link its files too, without main.
$(BUILD)/libcmd.a: $(filter-out %/main.o,$(cmd_obj)) $(BUILD)/flags
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(BUILD)/tests/%.o: private unit_inc := -Itests/unit -I. $(CMOCKA_CFLAGS)
$(BUILD)/tests/unit/cmd/%: extra_lib = $(BUILD)/libcmd.a
$(filter $(BUILD)/tests/unit/cmd/%,$(unit_bin)): $(BUILD)/libcmd.a
$(unit_bin): %: %.o $(lib)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LINK_HARDEN) $(LDFLAGS) -pthread -o $@ $< $(extra_lib) $(lib) \
		$(LIBS) $(CMOCKA_LIBS) $(LDLIBS)
$(tool_bin): %: %.o $(lib)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LINK_HARDEN) $(LDFLAGS) -pthread -o $@ $< $(lib) $(LIBS) $(LDLIBS)
$(replay_bin): %: %.o $(BUILD)/tests/fuzz/replay.o $(lib)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LINK_HARDEN) $(LDFLAGS) -pthread -o $@ $< $(BUILD)/tests/fuzz/replay.o \
		$(lib) $(LIBS) $(LDLIBS)

workload := $(if $(wildcard tests/workload/workload.mk),$(BUILD)/tests/workload)
run_env = MEMHEAT=$(abspath $(program)) WORKLOAD=$(abspath $(BUILD)/tests/workload) \
	TOOLS=$(abspath $(BUILD)/tests/tools) BUILD=$(abspath $(BUILD))
run_tests = $(run_env) TEST_JOBS=$(TEST_JOBS) scripts/run-tests
for_cases := all $(workload) $(tool_bin)

.PHONY: check check-unit check-cli check-golden check-fuzz-corpus check-guest
check: $(for_cases) $(unit_bin) $(replay_bin) ## Run all tests that need no root and no special kernel
	@$(run_tests) $(unit_bin) $(replay_bin) $(cli_cases) $(golden_cases)
check-unit: $(unit_bin) ## Run the unit tests
	@$(run_tests) $(unit_bin)
check-cli: $(for_cases) ## Run the command-line cases
	@$(run_tests) $(cli_cases)
check-golden: $(for_cases) ## Compare views and pictures with the kept ones
	@$(run_tests) $(golden_cases)
check-fuzz-corpus: $(replay_bin) ## Replay the fuzz corpus without a fuzzer
	@$(run_tests) $(replay_bin)
check-guest: $(for_cases) $(BUILD)/tests/workload-static ## Test the sources against a real kernel in a QEMU guest
	@if [ -x scripts/guest ]; then \
		$(run_env) scripts/guest check $(CASES); \
	else echo 'check-guest: scripts/guest is not in this tree, nothing was run'; fi

.PHONY: fuzz soak bench
$(FUZZ_BUILD)/%.o: %.c $(BUILD)/flags
	$(call say,FUZZCC,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPP_ALL) -I. -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION -std=gnu11 -O1 -g \
		-fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
		-fno-sanitize-recover=all -MMD -MP -c -o $@ $<
$(FUZZ_BUILD)/libmemheat.a: $(fuzz_lib_obj) $(BUILD)/sources
	$(Q)rm -f $@ && $(AR) rcs $@ $(fuzz_lib_obj)
$(fuzz_bin): $(FUZZ_BUILD)/%: $(FUZZ_BUILD)/tests/fuzz/%.o $(FUZZ_BUILD)/libmemheat.a
	$(call say,LINK,$@)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined -pthread -o $@ $^ $(LIBS)
fuzz: $(fuzz_bin) ## Run each libFuzzer target for FUZZ_SECONDS (30)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) TEST_JOBS=$(TEST_JOBS) scripts/fuzz $(fuzz_bin)
soak: $(for_cases) $(BUILD)/tests/workload-static $(BUILD)/tests/unit/symbol/test_access ## Run what takes long: kills, repetitions, long fuzzing
	@$(call script_or_word,soak)
bench: $(for_cases) ## Measure sizes and speeds, as JSON
	@$(call script_or_word,bench)
script_or_word = if [ -x scripts/$(1) ]; then $(run_env) scripts/$(1); \
	else echo '$(1): scripts/$(1) is not in this tree'; exit 1; fi

##@ Quality

.PHONY: lint format
lint: all $(unit_bin) $(tool_bin) $(replay_bin) ## Check layers, symbols, headers, pages and style; STEPS="check-layers ..."
	@$(run_env) scripts/lint $(STEPS)
lint: export CC := $(CC)
lint: export LINT_CPP := $(subst ',,$(CPP_ALL))
lint: export LINT_OBJECTS = $(lint_obj)
lint_obj = $(lib_obj) $(cmd_obj) $(unit_bin:=.o) $(tool_bin:=.o) $(replay_bin:=.o)
format: ## Run clang-format over all sources
	@git ls-files '*.[ch]' | xargs -r clang-format -i

##@ Use

.PHONY: demo install uninstall dist clean help
demo: all ## Record a real program and draw its heatmap into demo/
	@MEMHEAT=$(abspath $(program)) README=$(README) scripts/demo
man1 := $(sort $(wildcard man/*.1))
man5 := $(sort $(wildcard man/*.5))
completion_bash = $(datadir)/bash-completion/completions/memheat
completion_zsh  = $(datadir)/zsh/site-functions/_memheat
completion_fish = $(datadir)/fish/vendor_completions.d/memheat.fish

install: all ## Install program, manual pages and completions (prefix=, DESTDIR=)
	$(INSTALL) -d '$(DESTDIR)$(bindir)' '$(DESTDIR)$(libdir)' '$(DESTDIR)$(mandir)/man1' \
		'$(DESTDIR)$(mandir)/man5' '$(DESTDIR)$(docdir)'
	$(INSTALL) -m 755 $(program) '$(DESTDIR)$(bindir)/memheat'
	$(INSTALL) -m 755 $(shim) '$(DESTDIR)$(libdir)/$(notdir $(shim))'
	$(if $(man1),$(INSTALL) -m 644 $(man1) '$(DESTDIR)$(mandir)/man1')
	$(if $(man5),$(INSTALL) -m 644 $(man5) '$(DESTDIR)$(mandir)/man5')
	$(INSTALL) -m 644 $(wildcard README.md LICENSE) '$(DESTDIR)$(docdir)'
	$(call install_completion,bash)
	$(call install_completion,zsh)
	$(call install_completion,fish)
# The program writes its own completions, where it knows the shell.
install_completion = @if $(program) completion $(1) >$(BUILD)/completion.$(1) 2>/dev/null && \
	[ -s $(BUILD)/completion.$(1) ]; then \
	$(INSTALL) -d '$(DESTDIR)$(dir $(completion_$(1)))' && \
	$(INSTALL) -m 644 $(BUILD)/completion.$(1) '$(DESTDIR)$(completion_$(1))'; \
	else echo 'no completion for $(1)'; fi
uninstall: ## Remove what install put there
	rm -f '$(DESTDIR)$(bindir)/memheat' '$(DESTDIR)$(libdir)/$(notdir $(shim))' $(man1:man/%='$(DESTDIR)$(mandir)/man1/%') \
		$(man5:man/%='$(DESTDIR)$(mandir)/man5/%') \
		'$(DESTDIR)$(completion_bash)' '$(DESTDIR)$(completion_zsh)' \
		'$(DESTDIR)$(completion_fish)'
	rm -rf '$(DESTDIR)$(docdir)'
dist: ## Make memheat-VERSION.tar.gz of the committed tree
	git archive --prefix=memheat-$(VERSION)/ -o memheat-$(VERSION).tar.gz HEAD
	@echo memheat-$(VERSION).tar.gz
clean: ## Remove what was built
	@if [ -f '$(O)/CACHEDIR.TAG' ]; then rm -rf '$(O)'; fi
	rm -f memheat $(notdir $(shim))
help: ## List the targets
	@awk -F ':.*## ' '/^##@/ { printf "%s:\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

-include $(patsubst %.o,%.d,$(lib_obj) $(cmd_obj) $(fuzz_lib_obj))
-include $(unit_bin:=.d) $(tool_bin:=.d) $(replay_bin:=.d) $(BUILD)/tests/fuzz/replay.d
-include $(fuzz_src:%.c=$(FUZZ_BUILD)/%.d)
