#!/bin/sh
# SPDX-License-Identifier: MIT
exec "$TOOLS/draw_sample" -r -m viridis -s 80x24 true
