#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What DAMO's records cost: import, export and each report on a generated record.

damo.py [SNAPSHOTS [REGIONS]]: 3500 x 1000 by default. MEMHEAT and TOOLS are in the
environment. Prints JSON: CPU seconds and peak RSS per command, bytes per region; where
`damo` is on PATH, the same of its reports beside it. Nothing is asserted on times.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile


def measure(command, out=subprocess.DEVNULL):
    pid = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL).pid
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit("%s failed" % " ".join(command))
    return {"cpu_s": round(usage.ru_utime + usage.ru_stime, 3),
            "peak_rss_bytes": usage.ru_maxrss * 1024}


snapshots, regions = (int(a) for a in (sys.argv[1:3] + ["3500", "1000"][len(sys.argv) - 1:]))
memheat, tools = os.environ["MEMHEAT"], os.environ["TOOLS"]
with tempfile.TemporaryDirectory() as folder:
    record, trace = os.path.join(folder, "record"), os.path.join(folder, "trace")
    with open(record, "wb") as f:
        subprocess.run([tools + "/gen_damo", "-n", str(snapshots), "-r", str(regions)],
                       stdout=f, check=True)
    result = {"regions": snapshots * regions, "record_bytes": os.path.getsize(record)}
    result["import"] = measure([memheat, "import", "damo", record, "-o", trace])
    result["trace_bytes"] = os.path.getsize(trace)
    result["bytes_per_region"] = result["trace_bytes"] / result["regions"]
    result["times_smaller"] = result["record_bytes"] / result["trace_bytes"]
    for report in "summary heatmap wss mappings cold times nr_regions".split():
        result[report] = measure([memheat, "report", report, trace])
    result["heatmap_damo_cells"] = measure(
        [memheat, "report", "heatmap", "--cells", "damo", "--format", "json",
         "--rows", "80", "--cols", "40", trace])
    result["regions_json"] = measure(
        [memheat, "report", "regions", "--format", "json", trace])
    result["export"] = measure([memheat, "export", "damo", trace, "-o", record + "2"])
    if shutil.which("damo"):
        result["damo"] = {r: measure(["damo", "report", r, "--input", record])
                          for r in ("heatmap", "wss", "nr_regions")}
    json.dump(result, sys.stdout, indent=1)
    print()
