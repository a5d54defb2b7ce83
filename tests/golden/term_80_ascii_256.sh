#!/bin/sh
# SPDX-License-Identifier: MIT
exec "$TOOLS/draw_sample" -s 80x24 -a 256
