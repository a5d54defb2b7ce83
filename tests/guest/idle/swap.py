# SPDX-License-Identifier: MIT
import sys
from pages import *

out = sys.argv[1]
want = int(open(out + "/swap").read().split()[1]) * 1024
got = stats(out + "/trace", "idle.swapped_bytes")[-1]
assert want >= MIB, f"only {want} bytes were swapped out"
near("swapped", got, want, 0.05)
