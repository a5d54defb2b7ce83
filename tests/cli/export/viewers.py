#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""viewers.py speedscope|perfetto FILE: check an export against the published form.

Neither viewer is packaged.  The forms are written down here after their documentation:
speedscope's file-format-schema.json, and the Trace Event Format of Chrome, of which
Perfetto reads counter ("C") and metadata ("M") events.
"""
import json
import sys

import jsonschema

NUMBER, STRING = {"type": "number"}, {"type": "string"}
INDEX = {"type": "integer", "minimum": 0}


def record(required, optional=(), **fields):
    return {"type": "object", "properties": fields, "additionalProperties": False,
            "required": [f for f in fields if f in required and f not in optional]}


SPEEDSCOPE = record(
    ["$schema", "shared", "profiles"],
    **{"$schema": {"const": "https://www.speedscope.app/file-format-schema.json"}},
    activeProfileIndex=INDEX, exporter=STRING, name=STRING,
    shared=record(["frames"], frames={"type": "array", "items": record(
        ["name"], name=STRING, file=STRING, line=INDEX, col=INDEX)}),
    profiles={"type": "array", "minItems": 1, "items": record(
        ["type", "name", "unit", "startValue", "endValue", "samples", "weights"],
        type={"const": "sampled"}, name=STRING,
        unit={"enum": ["none", "nanoseconds", "microseconds", "milliseconds", "seconds",
                       "bytes"]},
        startValue=NUMBER, endValue=NUMBER,
        samples={"type": "array", "items": {"type": "array", "items": INDEX}},
        weights={"type": "array", "items": NUMBER})})

COUNTER = record(["ph", "pid", "ts", "name", "args"], ph={"const": "C"}, pid=INDEX, tid=INDEX,
                 ts=NUMBER, name=STRING,
                 args={"type": "object", "minProperties": 1, "additionalProperties": NUMBER})
METADATA = record(["ph", "pid", "name", "args"], ph={"const": "M"}, pid=INDEX, tid=INDEX,
                  name={"enum": ["process_name", "thread_name"]},
                  args=record(["name"], name=STRING))
PERFETTO = record(["traceEvents"], displayTimeUnit={"enum": ["ms", "ns"]},
                  otherData={"type": "object"},
                  traceEvents={"type": "array", "items": {"anyOf": [COUNTER, METADATA]}})


def speedscope(top):
    jsonschema.validate(top, SPEEDSCOPE)
    frames = top["shared"]["frames"]
    for word in ("trace: t", "source: mem", "units: "):
        assert word in top["exporter"], top["exporter"]
    for p in top["profiles"]:
        assert len(p["samples"]) == len(p["weights"])
        assert sum(p["weights"]) == p["endValue"] - p["startValue"]
        assert all(i < len(frames) for s in p["samples"] for i in s)
    weight = {}
    for p in top["profiles"]:
        for stack, n in zip(p["samples"], p["weights"]):
            names = tuple(frames[i]["name"] for i in stack[-2:])
            weight[names] = weight.get(names, 0) + n
    hot = {k: n for k, n in weight.items() if k[1].startswith("hot_")}
    assert len(hot) == 64 and all(k[0] == "touch_" + k[1][4:] for k in hot), hot
    assert 0.8 < sum(hot.values()) / (64 * 80) < 1.2, hot


def perfetto(top):
    jsonschema.validate(top, PERFETTO)
    about = top["otherData"]["memheat"]
    for word in ("trace: z", "source: ", "units: "):
        assert any(line.startswith(word) for line in about), (word, about)
    wss = [e for e in top["traceEvents"] if e["name"] == "working set"]
    heat = [e for e in top["traceEvents"] if e["name"].startswith("heat ")]
    report = json.load(open("wss.json"))
    assert sorted(e["args"]["bytes"] for e in wss)[-1] == report["percentiles"][-1]["bytes"]
    assert len(wss) == report["n"], (len(wss), report["n"])
    assert wss == sorted(wss, key=lambda e: e["ts"])
    assert heat and all(0 <= v <= 1 for e in heat for v in e["args"].values()), heat[:3]
    # The halves of the zigzag alternate: its track has high and low moments.
    assert len({e["name"] for e in heat}) >= 1
    assert max(v for e in heat for v in e["args"].values()) > 0.1


def main():
    {"speedscope": speedscope, "perfetto": perfetto}[sys.argv[1]](json.load(open(sys.argv[2])))


main()
