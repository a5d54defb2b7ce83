#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What the workloads say they did is what smaps and the kernel's fault count say.

exec sh "$TOP/tests/workload/test_workload.sh" "$WORKLOAD"
