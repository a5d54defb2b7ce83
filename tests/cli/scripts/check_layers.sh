#!/bin/sh
# SPDX-License-Identifier: MIT
# check-layers names each planted violation with file and line, and no lawful include.
set -eu

plant()
{
	mkdir -p "$(dirname "$1")"
	echo "$2" >"$1"
}

# Lawful: nothing may be said.
plant include/memheat/base.h '#include <stdint.h>'
plant include/memheat/event.h '#include <memheat/base.h>'
plant lib/base/err.c '#include <errno.h>'
plant lib/event/names.h '/* #include <zlib.h> is for others */'
plant lib/event/names.c '#include "event/names.h"'
plant lib/source/source.c '#include "source/source.h"'
plant lib/source/damon/damon.c '#include "source/damon/sysfs.h"'
plant lib/source/idle/idle.c '#include "base/vec.h"'
plant lib/source/mem/mem.c '#include <perfmon/pfmlib.h>'
plant lib/trace/block.c '#include <zlib.h>'
plant lib/render/png.c '#include <cairo.h>'
plant cmd/main.c '#include "cmd.h"'
"$TOP/scripts/check-layers" . >lawful || { cat lawful; exit 1; }
[ ! -s lawful ]

# Each of these is one offence.
plant lib/base/bad.c '#include <memheat/event.h>'
plant lib/base/zip.c '#include <zlib.h>'
plant lib/view/bad.c '#include "trace/block.h"'
plant lib/render/bad.c '# include <memheat/analyze.h>'
plant lib/render/up.c '#include "../view/x.h"'
plant lib/export/bad.c '#include <memheat/analyze.h>'
plant lib/source/idle/bad.c '#include "source/damon/sysfs.h"'
plant lib/source/damon/perf.c '#include <linux/perf_event.h>'
plant lib/trace/json.c '#include <yajl/yajl_parse.h>'
plant lib/analyze/elf.c '#include <elfutils/libdw.h>'
plant lib/util/strings.c '#include <string.h>'
plant lib/stray.c '#include <string.h>'
plant include/memheat/view.h '#include "view/x.h"'
plant include/memheat/render.h '#include <cairo/cairo.h>'
plant cmd/report.c '#include "trace/block.h"'
plant cmd/perf.c '#include <linux/perf_event.h>'
if "$TOP/scripts/check-layers" . >found; then
	echo "no violation was found"
	exit 1
fi
cut -d : -f 1,2 found | sort >got
sort >want <<'END'
lib/base/bad.c:1
lib/base/zip.c:1
lib/view/bad.c:1
lib/render/bad.c:1
lib/render/up.c:1
lib/export/bad.c:1
lib/source/idle/bad.c:1
lib/source/damon/perf.c:1
lib/trace/json.c:1
lib/analyze/elf.c:1
lib/util/strings.c:1
lib/stray.c:1
include/memheat/view.h:1
include/memheat/render.h:1
cmd/report.c:1
cmd/perf.c:1
END
diff want got
