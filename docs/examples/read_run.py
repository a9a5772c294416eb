#!/usr/bin/env python3
"""Reads the folder that `wattpool simulate --out DIR` wrote into pandas and prints what a first look needs.

    python3 docs/examples/read_run.py DIR

Needs pandas (pip install pandas). docs/data-dictionary.md says what each column is.
"""

import json
import sys
from pathlib import Path

import pandas as pd


def read(folder):
    """The run in a folder: its summary (a dict) and its tables by name, with times as times of the run's zone."""
    folder = Path(folder)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    tables = {}
    for name in ["windows", "meters", "trades", "homes", "offers", "requests"]:
        path = folder / f"{name}.csv"
        if path.exists():  # homes, offers and requests are there after --record
            tables[name] = pd.read_csv(path)
    for table in tables.values():
        for column in ["start", "window_start", "requested", "closed", "at"]:
            if column in table:
                table[column] = pd.to_datetime(table[column], utc=True)
    return summary, tables


def main():
    if len(sys.argv) != 2:
        sys.exit("expected: read_run.py DIR")
    summary, tables = read(sys.argv[1])
    windows, meters, trades = tables["windows"], tables["meters"], tables["trades"]
    money = 1e-6  # micro-units to units of the currency

    # Everything adds up, over homes as over windows, to the micro-unit.
    assert meters["bill_micro"].sum() == windows["bill_micro"].sum() == summary["bill"]
    assert meters["fees_micro"].sum() == windows["fees_micro"].sum() == summary["machinery"]["fees"]
    assert trades["fee_micro"].sum() == summary["machinery"]["trades"]

    print(f"{summary['scenario']}: {summary['meters']} homes, {summary['days']:.1f} days, in {summary['currency']}")
    print("\nGain per home after fees:")
    gains = (meters.set_index("home")["gain_micro"] * money).sort_values(ascending=False)
    print(gains.round(2).to_string())
    print("\nMean kWh per hour of the day, on the clock of the homes:")
    hour = pd.to_datetime(windows["start_local"]).dt.hour
    days = windows["start_local"].str[:10].nunique()
    per_hour = windows.groupby(hour)[["demand_wh", "generation_wh", "traded_wh"]].sum() / 1000 / days
    print(per_hour.round(2).to_string())
    print("\nWho sells to whom, kWh:")
    print((trades.pivot_table(index="seller", columns="buyer", values="arrived_wh", aggfunc="sum") / 1000).round(1))
    if "homes" in tables:
        peak = tables["homes"].groupby("home")["grid_import_wh"].max()
        print("\nLargest import of a window, Wh:")
        print(peak.to_string())


if __name__ == "__main__":
    main()
