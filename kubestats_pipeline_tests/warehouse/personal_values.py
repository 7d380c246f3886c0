"""Personal values that must not be published. They were written down before the rule that withholds them."""

import csv
from pathlib import Path

with (Path(__file__).parent / "personal_values.csv").open(encoding="utf-8") as file:
    PERSONAL = [(row["sort"], row["path"], row["value"]) for row in csv.DictReader(file)]
"""Sort, path and value."""
