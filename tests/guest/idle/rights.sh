# SPDX-License-Identifier: MIT
# Without the rights, and without the bitmap: it is said what is missing, and what is
# recorded in another way can be used.
echo 0 >/sys/kernel/mm/lru_gen/enabled
echo 'user:x:1000:1000:user:/tmp:/bin/sh' >>/etc/passwd
chmod 777 "$OUT" .
su user -c "$MEMHEAT record -s idle -o none -- true" 2>"$OUT/user.said" && exit 1
grep -q 'CAP_SYS_ADMIN' "$OUT/user.said" || { cat "$OUT/user.said"; exit 1; }
[ ! -e none ] || exit 1
su user -c "$MEMHEAT record -q -s auto -o $OUT/user -- $WORKLOAD static --hot 4M --total 16M \
	--time 9s --truth $OUT/user.json" || exit 1

# As on a kernel without the option: nothing is where the bitmap was.
mount -t tmpfs none /sys/kernel/mm/page_idle || exit 1
"$MEMHEAT" record -s idle -o none -- true 2>"$OUT/missing.said" && exit 1
grep -q 'CONFIG_IDLE_PAGE_TRACKING' "$OUT/missing.said" || { cat "$OUT/missing.said"; exit 1; }
[ ! -e none ] || exit 1
"$MEMHEAT" record -q -s refs -o "$OUT/missing" -- "$WORKLOAD" static --hot 4M --total 16M \
	--time 9s --truth "$OUT/missing.json" || exit 1
umount /sys/kernel/mm/page_idle
