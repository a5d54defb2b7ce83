# SPDX-License-Identifier: MIT
import sys
from objects import *

check_objects(sys.argv[1])
