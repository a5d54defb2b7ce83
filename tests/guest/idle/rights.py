# SPDX-License-Identifier: MIT
import sys
from guest import *

out = sys.argv[1]
for name in ("user", "missing"):
    told = info(f"{out}/{name}")
    assert told["complete"], told
    sources = {m["value"] for m in dump(f"{out}/{name}", "meta") if m["key"] == "source.1.name"}
    assert sources == {"refs"}, sources
    region = truth(f"{out}/{name}.json")["regions"][0]
    # refs has few intervals here, and the first ones are of the program's start.
    wss = report(f"{out}/{name}", "wss", "--percentiles", "25", "--addr",
                 f"{region['start']:#x}:{region['end']:#x}")["percentiles"][0]["bytes"]
    near(f"working set of a {name} recording", wss, 4 * MIB, 0.05)
