# SPDX-License-Identifier: MIT
import sys
from objects import *

check_objects(sys.argv[1])
# The shares are of regions that follow the objects, not of one region over all of them.
last = list(moments(sys.argv[1] + "/trace").values())[-1]
for want in truth(sys.argv[1] + "/truth.json")["shares"]:
    if want["wss_bytes"] >= 2 * MIB:
        own = [r for r in last if want["start"] <= r.start and r.end <= want["end"]]
        assert own, f"no region of its own for {want['name']}"
        print(f"figure: {want['name']}: {len(own)} regions of its own")
