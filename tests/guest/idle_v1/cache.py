# SPDX-License-Identifier: MIT
import sys
from page_cache import check_cache

check_cache(sys.argv[1], "v1")
