#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""validate.py SCHEMAS NAME:FILE...: FILE follows SCHEMAS/NAME.json.

openmetrics has no schema: lines, types, and buckets that never fall are looked at here.
"""
import json
import re
import sys

import jsonschema

LINE = re.compile(r'^([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\} (\S+)$')


def openmetrics(path):
    lines = open(path, encoding="utf-8").read().split("\n")
    assert lines[-2:] == ["# EOF", ""], "the end"
    families, last = {}, None
    for line in lines[:-2]:
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in families, name
            families[name] = kind
        elif not line.startswith("# HELP "):
            m = LINE.match(line)
            assert m, line
            value = float(m[3])
            base = re.sub("_(bucket|sum|count)$", "", m[1])
            assert families.get(m[1], families.get(base)), line
            if m[1].endswith("_bucket"):
                assert last is None or value >= last, line
                last = value


def main():
    for item in sys.argv[2:]:
        name, path = item.split(":", 1)
        if name == "openmetrics":
            openmetrics(path)
            continue
        with open(f"{sys.argv[1]}/{name}.json", encoding="utf-8") as f:
            schema = json.load(f)
        with open(path, encoding="utf-8") as f:
            jsonschema.validate(json.load(f), schema)


main()
