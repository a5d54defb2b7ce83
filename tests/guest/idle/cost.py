# SPDX-License-Identifier: MIT
import json
import sys
from pages import *

out = sys.argv[1]
with open(out + "/cost") as f:
    cost = json.load(f)
assert cost["bitmap"] == "kernel"
print(f"figure: a scan per GiB: {cost['rest_ms_per_gib']} ms at rest, "
      f"{cost['touched_ms_per_gib']} ms all touched, page by page "
      f"{cost['page_by_page_ms_per_gib']} ms: {cost['ratio_rest']} and "
      f"{cost['ratio_touched']} times")
for when in "rest", "touched":
    parts = cost[when + "_kernel_ms_per_gib"]
    kernel, whole = sum(parts.values()), cost[when + "_ms_per_gib"]
    bound = kernel - parts["kpageflags"]  # entries, bits, arming: no scan is without them
    print(f"figure: of a scan {when}, ms per GiB: " +
          ", ".join(f"{name} {ms}" for name, ms in parts.items()) +
          f", ours {whole - kernel:.1f}; the least for all pages {bound:.1f}, "
          f"{cost['page_by_page_ms_per_gib'] / bound:.1f} times less than page by page")
assert cost["ratio_rest"] > 1 and cost["ratio_touched"] > 1

# CPU time of each scan over the time to the next one.
took = [(number(s["time"]), number(s.get("value", "0"))) for s in dump(out + "/trace", "stat")
        if s["name"] == "scan_ns"]
shares = [spent / (b - a) for (a, spent), (b, _) in zip(took, took[1:])]
assert len(shares) >= 3, f"only {len(took)} scans"
print(f"figure: overhead: asked 10%, scans took at most {100 * max(shares):.2f}%, "
      f"{100 * sum(s for _, s in took[:-1]) / (took[-1][0] - took[0][0]):.2f}% in all, "
      f"{len(took)} scans")
assert max(shares) <= 0.10
