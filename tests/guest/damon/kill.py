# SPDX-License-Identifier: MIT
import sys
from guest import *

out = sys.argv[1]
for name, complete in (("killed", False), ("next", True), ("TERM", True),
                       ("INT", True)):
    told = info(f"{out}/{name}")
    assert told["complete"] == complete, f"{name}: complete is {told['complete']}"
    seen = moments(f"{out}/{name}")
    assert len(seen) >= 8, f"{name}: only {len(seen)} snapshots"
    print(f"figure: {name}: {len(seen)} snapshots, complete {complete}")
