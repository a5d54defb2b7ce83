#!/bin/sh
# SPDX-License-Identifier: MIT
# install-deps asks each package manager for what is missing, and only for that.
#
# The fakes expand their own arguments.
# shellcheck disable=SC2016
set -eu

# A PATH where nothing that is looked for exists, and managers that only answer.
mkdir bin
for tool in sh sed tr awk cat grep head id; do
	ln -s "$(command -v $tool)" bin/
done
fake()
{
	printf '#!/bin/sh\n%s\n' "$2" >"bin/$1"
	chmod +x "bin/$1"
}
fake dpkg-query '[ "$4" = gcc ] && echo "install ok installed"'
fake rpm '[ "$3" = gcc ]'
fake pacman '[ "$1 $2" = "-Q gcc" ]'

run()
{
	printf 'ID=%s\n' "$1" >os-release
	shift
	PATH="$PWD/bin" OS_RELEASE=os-release sh "$TOP/scripts/install-deps" "$@"
}
has()
{
	case " $got " in
	*" $1 "*) ;;
	*)
		echo "'$1' is not in: $got"
		exit 1
		;;
	esac
}
lacks()
{
	case " $got " in
	*" $1 "*)
		echo "'$1' should not be in: $got"
		exit 1
		;;
	esac
}

got=$(run debian --dry-run)
has 'apt-get install -y --no-install-recommends'
has libelf-dev
has libcmocka-dev
lacks gcc
lacks qemu-system-x86
lacks valgrind
got=$(run debian --dry-run guest)
has qemu-system-x86
lacks libelf-dev
got=$(run debian --dry-run --test-all build)
has valgrind
has libelf-dev
got=$(run fedora --dry-run build)
has 'dnf install -y'
has elfutils-libelf-devel
lacks gcc
got=$(run arch --dry-run build)
has 'pacman -S --needed --noconfirm'
has cairo
lacks -

# --check installs nothing, names packages and command, and says so by its status.
if run debian --check build 2>said; then
	echo "--check passed with packages missing"
	exit 1
fi
grep -q 'missing packages: .*libelf-dev' said
grep -q 'apt-get install' said
fake dpkg-query 'echo "install ok installed"'
run debian --check build

# Neither root nor sudo: packages, command, status 1, and nothing is started.
fake dpkg-query 'exit 1'
rm bin/id
fake id 'echo 1000'
fake apt-get 'echo "apt-get $*" >>calls'
if run debian build 2>said; then exit 1; fi
grep -q 'not root and sudo cannot be used; run as root: apt-get update && apt-get install .*libelf-dev' said
[ ! -e calls ]

# With sudo it is used and said, and what stays missing is a failure.
fake sudo 'if [ "$1" = -n ]; then exit 0; fi; echo "sudo $*" >>calls'
fake apt-cache 'exit 0'
if run debian build </dev/null 2>said; then exit 1; fi
grep -q 'not root: using sudo' said
grep -q 'still missing: .*libelf-dev' said
grep -q '^sudo apt-get install -y .*libelf-dev' calls

rc=0
run debian --no-such-option 2>/dev/null || rc=$?
[ $rc -eq 2 ]
