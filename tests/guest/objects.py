# SPDX-License-Identifier: MIT
"""The objects of the workload `structs` beside the rows of `report hot`."""
from guest import *


def row_of(want, rows):
    if want["kind"] == "stack":
        return [r for r in rows if r["mapping"] == "[stack]"]
    if want["kind"] == "static":
        return [r for r in rows if r["kind"] == "variable" and r["symbol"] == want["name"]]
    return [r for r in rows if r["kind"] == "site"
            and r["symbol"] == want["site"]["function"]]


def check_objects(out):
    """All objects are named at their lines; large ones have their share of the bytes that
    are swept over and over, so that each is as hot as the others."""
    right, hot = truth(out + "/truth.json"), truth(out + "/hot.json")
    assert hot["heap_log"] and not hot["heap_lost"], "the log of blocks is not whole"
    whole = sum(want["wss_bytes"] for want in right["shares"])
    missed = []
    for want in right["shares"]:
        name = want["name"]
        rows = row_of(want, hot["rows"])
        assert len(rows) == 1, f"{name} has {len(rows)} rows: {rows}"
        row, share = rows[0], want["wss_bytes"] / whole
        print(f"figure: {name}: share {row['share']:.4f}, truth {share:.4f}")
        if want["kind"] != "stack":
            assert row["file"].endswith("structs.c"), row
            assert row["line"] == want["site"]["line"], row
            assert want["start"] <= row["start"] < row["end"] <= want["end"], row
        assert row["share"] > 0, f"{name} was not seen"
        if want["wss_bytes"] >= 2 * MIB and abs(row["share"] - share) >= 0.03:
            missed.append(name)
    assert not missed, f"more than 3 points off: {missed}"
