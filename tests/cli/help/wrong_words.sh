#!/bin/sh
# SPDX-License-Identifier: MIT
# Wrong usage exits 2 with one line that says what is right, and prints nothing else.
set -eu
. "$TOP/tests/cli/lib.sh"

wrong()
{
	what=$1
	shift
	status 2 "$MEMHEAT" "$@"
	says "$what"
	[ ! -s out ] || fail "output on wrong usage: $*"
}

wrong "unknown command 'reprot'; did you mean 'report'?" reprot
wrong "unknown command 'frobnicate'" frobnicate
wrong "unknown option '--verbose'; a command comes first" --verbose
wrong "the name 'top' is reserved" top
wrong "there is no command 'frobnicate'" help frobnicate
wrong "one command at a time" help report info
wrong "did you mean --format?" report --fromat json
wrong "option --format needs its FORM" report --format
wrong "'xml' is not one of: text, json, csv" report --format xml
wrong "unknown option '-z'" info -z
wrong "takes no argument" report --no-pager=yes
wrong "is not a size" report --min-size 12Q
wrong "is not a range of times" report --time 5:1
wrong "is not a range of addresses" report --addr 7f00
wrong "is not a share" report --min-rate 101%
wrong "is not a whole number" report --skip -1
wrong "is not a process or thread id" report --pid 99999999999
wrong "'x' is too much" version x
wrong "one shell" completion
wrong "'ksh' is not one of: bash, zsh, fish" completion ksh
