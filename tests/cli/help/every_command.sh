#!/bin/sh
# SPDX-License-Identifier: MIT
# Every command of the table has help, options for scripts, and a line for each option.
set -eu
. "$TOP/tests/cli/lib.sh"

status 0 "$MEMHEAT" help --list
cut -f 1 out >commands
for want in record report sources info dump import repack completion help version; do
	grep -qx "$want" commands || fail "no $want in help --list"
done
while read -r command; do
	status 0 "$MEMHEAT" help --options "$command"
	[ "$(awk -F '\t' 'NF != 4' out | wc -l)" -eq 0 ] || fail "$command: not four fields"
	cut -f 2 out >options
	status 0 "$MEMHEAT" "$command" --help
	[ "$(wc -L <out)" -le 90 ] || fail "$command --help has long lines"
	while read -r option; do
		shows "--$option"
	done <options
done <commands
