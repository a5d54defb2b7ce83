#!/bin/sh
# SPDX-License-Identifier: MIT
exec "$TOOLS/draw_sample" -r -s 200x40 256
