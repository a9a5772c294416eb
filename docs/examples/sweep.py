#!/usr/bin/env python3
"""Runs a scenario many times, in processes side by side, and gathers the figures in one CSV file.

    python3 docs/examples/sweep.py --program target/release/wattpool --out sweep \
        --meters 10,20,40 --seeds 1,2,3 --days 7 [--scenario FILE --data DIR] [--jobs N]

Every run gets a folder of its own below --out; a run whose folder already holds a summary is not done again, so a
sweep that was interrupted goes on where it stopped. Needs nothing but Python 3.9.
"""

import argparse
import csv
import itertools
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FIGURES = ["meters", "seed", "days", "trades", "self_sufficiency", "ceiling_share", "welfare", "bill", "mean_price"]


def numbers(text):
    return [int(number) for number in text.split(",")]


def run(options, meters, seed):
    """One run in a process of its own; returns its folder, its summary or None, and what it said on failure."""
    folder = options.out / f"meters-{meters}-seed-{seed}"
    done = folder / "summary.json"
    if not done.exists():
        command = [options.program, "simulate", "--threads", "1", "--out", str(folder), "--json"]
        command += ["--meters", str(meters), "--seed", str(seed)]
        if options.days:
            command += ["--days", str(options.days)]
        if options.data:
            command += ["--data", str(options.data)]
        if options.scenario:
            command.append(str(options.scenario))
        ran = subprocess.run(command, capture_output=True, text=True)
        # 3 says that an invariant was violated: its figures are not to be trusted.
        if ran.returncode != 0:
            return folder, None, ran.stderr.strip()
    return folder, json.loads(done.read_text(encoding="utf-8")), ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="wattpool")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scenario", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--days", type=int)
    parser.add_argument("--meters", type=numbers, default=[10, 20, 40])
    parser.add_argument("--seeds", type=numbers, default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    # Threads wait here; the work is done by one process for each run.
    with ThreadPoolExecutor(options.jobs) as pool:
        pairs = list(itertools.product(options.meters, options.seeds))
        results = list(pool.map(lambda pair: run(options, *pair), pairs))

    failed = 0
    with open(options.out / "sweep.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["run"] + FIGURES + ["fees", "gas_per_traded_kwh"])
        for folder, summary, error in results:
            if summary is None:
                failed += 1
                print(f"{folder}: {error}", file=sys.stderr)
                continue
            machinery = summary["machinery"]
            row = [summary[figure] for figure in FIGURES]
            table.writerow([folder.name] + row + [machinery["fees"], machinery["gas_per_traded_kwh"]])
    print(f"{len(results) - failed} of {len(results)} runs are in {options.out / 'sweep.csv'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
