#!/bin/bash
# SPDX-License-Identifier: MIT
# The scripts are accepted by their shells, and bash completes with its own.
set -eu
. "$TOP/tests/cli/lib.sh"

for shell in bash zsh fish; do
	"$MEMHEAT" completion $shell >script.$shell
	if command -v $shell >/dev/null; then
		$shell -n script.$shell || fail "$shell does not accept its script"
	fi
done
# shellcheck disable=SC1091
. ./script.bash

completes()
{
	local want=$1 i found=
	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	# compgen without a match is no failure here.
	_memheat || true
	for i in "${COMPREPLY[@]-}"; do
		if [ "$i" = "$want" ]; then found=1; fi
	done
	[ -n "$found" ] || fail "'$*' gives '${COMPREPLY[*]-}', not '$want'"
}

touch some.data
completes report memheat rep
completes heatmap memheat report hea
completes --percentiles memheat report --perc
completes viridis memheat report heatmap --cmap v
completes some.data memheat report -i so
completes some.data memheat info so
completes fish memheat completion f
completes repack memheat help rep
