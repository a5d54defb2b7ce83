#!/bin/sh
# SPDX-License-Identifier: MIT
exec "$TOOLS/draw_sample" -s 200x40 none
