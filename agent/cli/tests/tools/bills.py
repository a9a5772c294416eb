"""Every home's bill from a chain's export and its owner's openings: written from the documents alone, it shares no code with wattpool.

    python3 bills.py FOLDER    (of a simulation that ran with --record)

Prints a JSON object: by meter, the bill's sums; what contradicts the chain goes to "wrong".
"""

import base64
import bisect
import hashlib
import json
import sys
from pathlib import Path


def lines(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def commitment(salt, imported, exported, previous):
    """SHA-256 over the domain, a zero byte, the salt, both registers (64 bits, big-endian), the commitment before."""
    text = b"wattpool/commitment\0" + bytes.fromhex(salt)
    text += imported.to_bytes(8, "big") + exported.to_bytes(8, "big") + previous
    return hashlib.sha256(text).digest()


def ceil(a, b):
    return -((-a) // b)


def read_chain(path):
    stated, traded, tariffs = {}, {}, []
    for line in lines(path):
        event = line.get("event", {}).get("said", {}).get("event", {})
        if "stated" in event:
            e = event["stated"]
            stated[e["meter"], e["window"]] = e
        elif "tariffs_set" in event:
            e = event["tariffs_set"]
            tariffs.append((e["from_window"], e["import"], e["feed_in"]))
        elif "delivered" in event:
            e = event["delivered"]
            bought = traded.setdefault((e["buyer"], e["window"]), [0, 0, 0, 0])
            bought[0] += e["net"]
            bought[1] += e["paid"] + e["charge"]
            sold = traded.setdefault((e["seller"], e["window"]), [0, 0, 0, 0])
            sold[2] += e["gross"]
            sold[3] += e["paid"]
    # Of those set for the same window, the last one holds.
    held = {}
    for window, imported, feed_in in tariffs:
        held[window] = (imported, feed_in)
    return stated, traded, sorted(held.items())


def bill(home, stated, traded, tariffs, wrong):
    meter, total = home["meter"], dict.fromkeys(
        ("bought_wh", "sold_wh", "grid_import_wh", "feed_in_wh", "spent", "earned", "grid_cost", "feed_in_credit"), 0
    )
    before, starts = home["installed"], [w for w, _ in tariffs]
    for opening in home["openings"]:
        window, registers = opening["window"], opening["registers"]
        previous = base64.b64decode(opening["previous"])
        made = commitment(opening["salt"], registers["import"], registers["export"], previous)
        told = stated.get((meter, window))
        if told is None or base64.b64decode(told["commitment"]) != made:
            wrong.append(f"meter {meter}, window {window}")
        net = (registers["import"] - before["import"]) - (registers["export"] - before["export"])
        before = registers
        bought, spent, sold, earned = traded.get((meter, window), (0, 0, 0, 0))
        from_grid, to_grid = max(net, 0) - bought, max(-net, 0) - sold
        if from_grid < 0 or to_grid < 0:
            wrong.append(f"meter {meter}, window {window}: traded more than it measured")
        imported, feed_in = tariffs[bisect.bisect_right(starts, window) - 1][1]
        total["bought_wh"] += bought
        total["sold_wh"] += sold
        total["grid_import_wh"] += from_grid
        total["feed_in_wh"] += to_grid
        total["spent"] += spent
        total["earned"] += earned
        total["grid_cost"] += ceil(from_grid * imported, 1000)
        total["feed_in_credit"] += to_grid * feed_in // 1000
    total["due"] = total["grid_cost"] - total["feed_in_credit"] + total["spent"] - total["earned"]
    return total


def main(folder):
    stated, traded, tariffs = read_chain(folder / "chain.jsonl")
    wrong = []
    bills = {home["meter"]: bill(home, stated, traded, tariffs, wrong) for home in lines(folder / "openings.jsonl")}
    print(json.dumps({"bills": bills, "wrong": wrong}))


main(Path(sys.argv[1]))
