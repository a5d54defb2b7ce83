# SPDX-License-Identifier: MIT
import sys
from pages import *

out = sys.argv[1]
for i in "12":
    check_exact(f"{out}/trace{i}", truth(f"{out}/{i}.json"), f"recorder {i} of two")
