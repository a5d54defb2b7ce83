# SPDX-License-Identifier: MIT
#
# The workloads of tests/workload as one program. -g -O1 come last on the command line:
# tests compare lines, functions and call sites of structs.c with what a recorder says.
# WORKLOAD_LDFLAGS=-static makes a program that runs in a guest without a libc.

WORKLOAD_DIR  := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
WORKLOAD_SRCS := $(sort $(wildcard $(WORKLOAD_DIR)/*.c))
WORKLOAD_HDRS := $(WORKLOAD_DIR)/workload.h

$(BUILD)/tests/workload: $(WORKLOAD_SRCS) $(WORKLOAD_HDRS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -D_GNU_SOURCE $(CFLAGS) -g -O1 -fno-omit-frame-pointer \
		$(WORKLOAD_SRCS) $(LDFLAGS) $(WORKLOAD_LDFLAGS) -lm -o $@
