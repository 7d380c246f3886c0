"""Reads from the logs of all machines who had which repository's lease and when, so that a shared one would be seen."""

import re
from dataclasses import dataclass

LINE = re.compile(
    r"lease (?P<what>taken|renewed|given back) (?P<repository>\S+) number=(?P<number>\d+) until=(?P<until>[\d.]+) "
    r"by=(?P<holder>\S+)(?: at=(?P<at>[\d.]+))?"
)


@dataclass
class Hold:
    """One holder's time with a lease, seconds since 1970. One that was never given back ended by itself."""

    repository: str
    number: int
    holder: str
    begins: float
    ends: float

    def overlaps(self, other: "Hold") -> bool:
        """True where both had the same repository at one moment."""
        same = self.repository == other.repository
        return same and self.begins < other.ends and other.begins < self.ends


def read_holds(text: str) -> list[Hold]:
    """All holds, those of one repository by their numbers. The lines of one hold may be apart and in any log."""
    found: dict[tuple[str, int, str], Hold] = {}
    ended = set()
    for line in sorted(LINE.finditer(text), key=lambda line: line["what"], reverse=True):  # taken, renewed, given back
        key = (line["repository"], int(line["number"]), line["holder"])
        until = float(line["until"])
        if line["what"] == "taken":
            found[key] = Hold(*key, float(line["at"]), until)
        elif line["what"] == "renewed":
            found[key].ends = max(found[key].ends, until)
        elif key not in ended:
            found[key].ends = float(line["at"])
            ended.add(key)
    return sorted(found.values(), key=lambda hold: (hold.repository, hold.number, hold.begins))
