# SPDX-License-Identifier: MIT
"""What DAMON's records cost: importing DAMO's, each report, and our own recorder.

A generated record of 3.5 million regions, 1000 per snapshot; indented as DAMO does, its
JSON is 1.8 GB.  Where `damo` is on PATH its reports of the same record are beside ours.
What the import cannot fall below stands beside it: zlib alone, and yajl's parse of the
same text for nobody.
"""
import json
import os
import shutil
import subprocess

REPORTS = "summary heatmap wss mappings cold times nr_regions regions".split()
# DAMO's names of the reports that it has too.
DAMO = {"heatmap": ["heatmap"], "wss": ["wss"], "nr_regions": ["nr_regions"],
        "regions": ["access", "--raw_form"]}
MIB = 1 << 20


def generate(tools, path, snapshots, form):
    with open(path, "wb") as out:
        subprocess.run([os.path.join(tools, "gen_damo"), "-n", str(snapshots), "-r", "1000",
                        "-f", form], stdout=out, check=True)
    return os.path.getsize(path)


def bar(bars, what, value, goal, met):
    if value is not None:
        bars.append({"bar": what, "goal": goal, "value": round(value, 3),
                     "verdict": "met" if met(value) else "missed"})


def times_smaller(memheat, record, trace):
    subprocess.run([memheat, "import", "damo", record, "-o", trace], check=True,
                   stderr=subprocess.DEVNULL)
    return os.path.getsize(record) / os.path.getsize(trace)


def reports(measure, memheat, record, trace, runs):
    """CPU seconds and peak RSS of each report, DAMO's beside it where it is there."""
    result = {}
    damo = shutil.which("damo")
    for name in REPORTS:
        result[name] = {"memheat": measure([memheat, "report", name, trace], runs)}
        if not damo or name not in DAMO:
            continue
        theirs = measure([damo, "report", *DAMO[name], "--input", record], 1)
        result[name]["damo"] = theirs
        if "cpu_s" in theirs:
            ours = max(result[name]["memheat"]["cpu_s"], 0.001)
            result[name]["times_less_cpu"] = round(theirs["cpu_s"] / ours, 1)
    result["heatmap_damo_cells"] = {"memheat": measure(
        [memheat, "report", "heatmap", "--cells", "damo", "--format", "json", "--rows", "80",
         "--cols", "40", trace], runs)}
    result["regions_json"] = {"memheat": measure(
        [memheat, "report", "regions", "--format", "json", trace], runs)}
    return result


def goals(bars, result, share):
    """A hundredth of DAMO's CPU time, as measured beside ours or once for all of it."""
    for name, report in result["reports"].items():
        if "damo" in report and "cpu_s" in report["damo"]:
            ours, theirs = report["memheat"]["cpu_s"], report["damo"]["cpu_s"]
            bar(bars, f"{name}, times less CPU", theirs / max(ours, 0.001), ">= 100",
                lambda v: v >= 100)
            bar(bars, f"import and {name}, times less CPU",
                theirs / (ours + result["import"]["cpu_s"]), ">= 100", lambda v: v >= 100)
        elif name in DAMO:
            # It took 67 s and more for 3.5 million regions.
            bar(bars, f"{name}, CPU s", report["memheat"]["cpu_s"], f"<= {0.67 * share:.3f}",
                lambda v: v <= 0.67 * share)


def bench(measure, memheat, tools, scratch, data, quick):
    snapshots, runs = (350, 1) if quick else (3500, 2)
    record, trace = os.path.join(scratch, "damon.data"), os.path.join(scratch, "trace")
    result = {"regions": snapshots * 1000,
              "record_bytes": generate(tools, record, snapshots, "zlib")}
    result["import"] = measure([memheat, "import", "damo", record, "-o", trace], runs)
    bare = os.path.join(tools, "bare_json")
    result["import_floor"] = {"zlib": measure([bare, record], runs),
                              "zlib_yajl": measure([bare, "-j", record], runs)}
    result["trace_bytes"] = os.path.getsize(trace)
    result["reports"] = reports(measure, memheat, record, trace, runs)
    result["export"] = measure([memheat, "export", "damo", trace, "-o", record + ".2"], runs)
    os.unlink(record)
    os.unlink(record + ".2")

    result["json_bytes"] = generate(tools, record, snapshots, "json")
    result["import_json"] = measure([memheat, "import", "damo", record, "-o", trace], 1)
    os.unlink(record)
    ring = subprocess.run([os.path.join(tools, "bench_damon"), "-n", str(snapshots), trace],
                          check=True, stdout=subprocess.PIPE)
    result["recorder"] = json.loads(ring.stdout)

    bars = result["bars"] = []
    largest = max(r["memheat"]["peak_rss_mib"] for r in result["reports"].values())
    goals(bars, result, snapshots / 3500)
    bar(bars, "largest report, MiB", largest, "< 64", lambda v: v < 64)
    bar(bars, "import of json_compressed, MiB", result["import"]["peak_rss_mib"], "< 32",
        lambda v: v < 32)
    bar(bars, "import of JSON, MiB", result["import_json"]["peak_rss_mib"], "< 32",
        lambda v: v < 32)
    bar(bars, "recorder, CPU us per region", result["recorder"]["us_per_region"], "<= 1",
        lambda v: v <= 1)
    bar(bars, "S4: generated record, times smaller than DAMO's",
        result["record_bytes"] / result["trace_bytes"], ">= 9", lambda v: v >= 9)
    recorded = os.path.join(data, "damo", "damon.data.json_compressed")
    if os.path.exists(recorded):
        bar(bars, "S4: recorded vaddr, times smaller than DAMO's",
            times_smaller(memheat, recorded, trace), ">= 5", lambda v: v >= 5)
    return result
