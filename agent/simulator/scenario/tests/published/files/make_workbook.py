"""Writes homes.xlsx as people keep such files: a sheet of notes, a title, dates and times as the program's own.

    python -m venv venv && venv/bin/pip install openpyxl==3.1.5 && venv/bin/python make_workbook.py
"""

from datetime import datetime, time, timedelta
from pathlib import Path

from openpyxl import Workbook

START = datetime(2026, 5, 4)

book = Workbook()
notes = book.active
notes.title = "Notes"
notes.append(["Measured by hand"])

stamped = book.create_sheet("Stamped")
stamped.append(["Street", "kWh in each quarter of an hour"])
stamped.append([])
stamped.append(["Time", "House 1", "Roof 1"])
for i in range(96):
    at = START + timedelta(minutes=15 * i)
    stamped.append([at, 0.1 + i / 1000, 0.5 if 40 <= i < 60 else 0])
stamped.append(["Total", "=SUM(B4:B99)", "=SUM(C4:C99)"])

parts = book.create_sheet("Date and time")
parts.append(["Date", "Time", "House 1"])
for i in range(1, 25):
    # The 24th hour ends at 24:00, which spreadsheets show of a duration.
    clock = timedelta(hours=24) if i == 24 else time(i)
    parts.append([START.date(), clock, i])

book.save(Path(__file__).parent / "homes.xlsx")
