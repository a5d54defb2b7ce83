#!/bin/sh
# SPDX-License-Identifier: MIT
exec "$TOOLS/draw_sample" -s 40x24 -a none
