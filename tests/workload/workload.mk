# SPDX-License-Identifier: MIT
#
# The workloads of tests/workload as one program. Always -g -O1: tests compare lines,
# functions and call sites of structs.c with what a recorder says. Never with sanitizers
# or coverage: their memory would be accessed too, and no truth tells of it.
#
# workload-static runs in a guest without a libc, and where other processes must not
# count: smaps calls a page of the shared libc referenced when anyone referenced it.

WORKLOAD_DIR	:= $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
WORKLOAD_SRCS	:= $(sort $(wildcard $(WORKLOAD_DIR)/*.c))
WORKLOAD_HDRS	:= $(WORKLOAD_DIR)/workload.h
WORKLOAD_CFLAGS := -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer
WORKLOAD_NOT	:= -O% -fsanitize% -fprofile% -ftest-coverage -flto% --coverage

$(BUILD)/tests/workload-static: WORKLOAD_LDFLAGS := -static

$(BUILD)/tests/workload $(BUILD)/tests/workload-static: $(WORKLOAD_SRCS) $(WORKLOAD_HDRS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out $(WORKLOAD_NOT),$(CFLAGS)) $(WORKLOAD_CFLAGS) \
		$(WORKLOAD_SRCS) $(filter-out $(WORKLOAD_NOT),$(LDFLAGS)) \
		$(WORKLOAD_LDFLAGS) -lm -o $@
