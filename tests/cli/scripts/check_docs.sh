#!/bin/sh
# SPDX-License-Identifier: MIT
# check-docs compares a program's tables with its pages, both ways.
set -eu
cat >program <<'END'
#!/bin/sh
case "$1 $2 ${3-}" in
"help --list ") printf 'record\trecord accesses\nreport\tshow a view\n' ;;
"help --options record")
	printf 'o\toutput\tFILE\twrite here\n\tfor\tTIME\tstop after it\na\t\t\tall\n' ;;
"help --options report") printf 'i\t\tFILE\tsource of it\n' ;;
"completion bash ") echo "complete -W 'record report' memheat" ;;
*) exit 2 ;;
esac
END
chmod +x program
export MEMHEAT="$PWD/program"
mkdir man
page()
{
	cat >man/memheat-record.1 <<'END'
.It Fl o , Fl -output Ar FILE
.It Fl -for Ns = Ns Ar TIME
.It Fl a
END
	echo '.It Fl i Ar FILE' >man/memheat-report.1
	printf '.Xr memheat-record 1 ,\n.Xr memheat-report 1\n' >man/memheat.1
	: >man/memheat-trace.5
}
page
"$TOP/scripts/check-docs" .

finds()
{
	if "$TOP/scripts/check-docs" . >found; then
		echo "not found: $1"
		exit 1
	fi
	grep -qF -e "$1" found || { echo "wanted: $1"; cat found; exit 1; }
	page
}
echo '.It Fl a' >man/memheat-record.1
finds 'man/memheat-record.1: lacks --output'
echo '.It Fl -gone' >>man/memheat-report.1
finds 'man/memheat-report.1: describes --gone'
rm man/memheat-report.1
finds 'man/memheat-report.1: missing'
: >man/memheat-old.1
finds 'man/memheat-old.1: describes a command that does not exist'
rm man/memheat-old.1
echo '.Xr memheat-record 1' >man/memheat.1
finds 'man/memheat.1: does not refer to memheat-report 1'
sed -i "s/'record report'/'record'/" program
finds "memheat completion bash: lacks 'report'"
echo 'exit 2' >program
finds "gives no list of commands"
