"""Repositories that people run, a published file of them before and after a change, and who is told."""

import datetime
import hashlib
import re
from pathlib import Path
from typing import Any

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import REPOSITORIES
from kubestats_pipeline.settings import Settings, load_settings
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.watch.telling import Outcome, tell_changes
from kubestats_pipeline_tests.warehouse.small_lake import day, repository
from kubestats_pipeline_tests.warehouse.told_history import History, Put, drop, image, put, release

__all__ = ("Put", "World", "day", "drop", "image", "put", "release")


class World:
    """A few histories and the rules of who is told of them.

    Attributes:
        rows: columns of `repositories` that differ, by number.
        receivers: addresses by name.
        rules: as `watch` has them.
        now: the time of the next publication.
    """

    def __init__(self, folder: Path, receivers: dict[str, str], *rules: dict[str, Any]) -> None:
        self.lake = Lake(Layout(folder / "data"))
        self.histories: dict[int, History] = {}
        self.rows: dict[int, dict[str, Any]] = {}
        self.receivers = receivers
        self.rules = list(rules)
        self.now = day(4, 1)
        self.url: str | None = None

    def add(self, name: str, *puts: Put, at: datetime.datetime | None = None, **row: Any) -> int:
        """A repository with a first commit, from long before the rules. Gives its number."""
        number = len(self.histories) + 1
        self.histories[number] = History(number, name)
        self.rows[number] = {"html_url": f"https://github.com/{name}", "discovered_at": day(1, 1)} | row
        if puts:
            self.commit(number, at or day(1, 2), *puts)
        return number

    def commit(self, number: int, at: datetime.datetime, *puts: Put) -> str:
        """One commit more. Gives its id."""
        history = self.histories[number].commit(at, *puts)
        for event in history.events:
            if not re.fullmatch("[0-9a-f]{40}", event["commit_sha"]):
                event["commit_sha"] = hashlib.sha1(event["commit_sha"].encode(), usedforsecurity=False).hexdigest()
        return str(history.events[-1]["commit_sha"])

    def publish(self) -> Path:
        """Write everything to the lake and publish it."""
        rows = [repository(number, history.full_name) | self.rows[number] for number, history in self.histories.items()]
        self.lake.write(REPOSITORIES, None, rows)
        for history in self.histories.values():
            history.write(self.lake)
        return build_warehouse(self.lake).path

    @property
    def settings(self) -> Settings:
        """The settings that the rules and receivers are in."""
        alerts = {"receivers": self.receivers, "timeout_seconds": 5}
        return load_settings(
            data_dir=self.lake.layout.data_dir, alerts=alerts, watch=self.rules, report={"url": self.url}
        )

    def tell(self) -> Outcome:
        """Publish, and tell of what has changed."""
        self.publish()
        return self.tell_again()

    def tell_again(self) -> Outcome:
        """Tell of what the published file has."""
        return tell_changes(self.lake, self.settings, self.now)
