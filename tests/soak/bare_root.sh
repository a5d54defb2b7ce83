#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A bare Debian 12: `make demo` and `make check` set up what they need and work; without
# root they name the packages and the command, and stop.
#
# Needs root, debootstrap and the network of the package manager. The root has /proc and
# terminals but no /sys, so nothing of this machine's kernel settings can be reached from it.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
root=$(mktemp -d "${TMPDIR:-/var/tmp}/memheat-bare.XXXXXX")
chmod 755 "$root" # nobody works in it, too
passed=0 failed=0

finish()
{
	mountpoint -q "$root/dev/pts" && umount "$root/dev/pts"
	mountpoint -q "$root/proc" && umount "$root/proc"
	rm -rf --one-file-system "$root"
	echo "$passed passed, $failed failed, 0 skipped"
	[ "$failed" -eq 0 ]
}
trap 'finish; exit' INT TERM

# result STATUS NAME
result()
{
	if [ "$1" -eq 0 ]; then
		echo "ok - $2"
		passed=$((passed + 1))
	else
		echo "not ok - $2"
		failed=$((failed + 1))
	fi
}

in_root()
{
	chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap >/dev/null; then
	echo "ok - bare root # SKIP needs root and debootstrap (apt-get install debootstrap)"
	echo "0 passed, 0 failed, 1 skipped"
	rmdir "$root"
	exit 0
fi

mirror=$(awk '$1 == "URIs:" { print $2; exit } $1 == "deb" { for (i = 2; i <= NF; i++)
	if ($i ~ /^[a-z+]+:/) { print $i; exit } }' /etc/apt/sources.list \
	/etc/apt/sources.list.d/* 2>/dev/null)
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1
result $? "debootstrap"
cp -a /etc/apt/. "$root/etc/apt/"
cp /etc/resolv.conf "$root/etc/" 2>/dev/null
mount -t proc proc "$root/proc"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -sf pts/ptmx "$root/dev/ptmx"
in_root apt-get update >>"$root.log" 2>&1
in_root apt-get install -y --no-install-recommends make >>"$root.log" 2>&1
result $? "make installed"
mkdir "$root/src"
git -C "$top" archive HEAD | tar -x -C "$root/src"
in_root chown -R nobody /src

if out=$(in_root setpriv --reuid=nobody --regid=nogroup --clear-groups \
	make -C /src check 2>&1); then
	false
else
	grep -q 'apt-get install' <<<"$out" && grep -q 'libelf-dev' <<<"$out"
fi
result $? "without root make check names the packages and the command"
in_root chown -R root /src

for target in demo check; do
	in_root make -C /src "$target" DEMO_SOURCE=refs,faults >"$root.$target" 2>&1
	status=$?
	{
		grep -A 20 '^FAIL' "$root.$target"
		tail -n 3 "$root.$target"
	} | sed 's/^/# /'
	result $status "make $target in a bare root"
done
[ -s "$root/src/demo/heatmap.png" ]
result $? "make demo drew a picture"
finish
