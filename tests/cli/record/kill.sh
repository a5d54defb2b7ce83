#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A killed recorder leaves a trace that can be read, with all but the last second; the
# target goes on. KILLS says how often (5).
"$MEMHEAT" sources --format json | grep -q '"name":"faults","usable":true' ||
	{ echo 'faults does not work here'; exit 77; }
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }
exec python3 "$TOP/tests/cli/record/kill.py" "$MEMHEAT" "$WORKLOAD" "${KILLS:-5}"
