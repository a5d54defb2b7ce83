#!/bin/sh
# SPDX-License-Identifier: MIT
# Types that there are, and those that there are not.
set -eu
. "$TOP/tests/cli/lib.sh"

zigzag memheat.data
status 2 "$MEMHEAT" report nothing
says "there is no report 'nothing'; types: summary, heatmap, wss, mappings, hot, code, footprint, regions, diff, cold, times, nr_regions, mrc, sizing, levels, lines"
status 2 "$MEMHEAT" report heatmpa
says "did you mean 'heatmap'?"
status 2 "$MEMHEAT" report wss a.data b.data
says "one trace at a time"
status 2 "$MEMHEAT" report wss -i a.data b.data
says "one trace at a time"
status 0 "$MEMHEAT" report record_info
shows "complete   yes"
