#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Terminal, signals and streams of a recorded command are what they are without us.
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }
exec python3 "$TOP/tests/cli/record/streams.py" "$MEMHEAT"
