"""One scan to be done: the repository, the commit to reach, and everything that the scan depends on."""

import datetime
import functools
from dataclasses import dataclass, field

from kubestats_pipeline.git.mirror_folder import Mirror
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.scan.documents.document import Bounds


@dataclass(frozen=True, kw_only=True)
class ScanJob:
    """A scan of one repository, which any process can do.

    Attributes:
        head: the commit to reach.
        history_since: how far back the mirror goes, or None where that is not known.
        started_at: the time for the row of `scans`.
        anew: replay from the start of the mirror.
        helpers: how many more processes may read files ahead.
    """

    layout: Layout
    repository: Repository
    head: str
    history_since: datetime.datetime | None
    started_at: datetime.datetime
    bounds: Bounds = field(default_factory=Bounds)
    run_id: str | None = None
    anew: bool = False
    helpers: int = 0

    @functools.cached_property
    def tables(self) -> RepositoryTables:
        """The tables that the scan brings to the head."""
        return RepositoryTables.of(Lake(self.layout), self.repository)

    @property
    def mirror(self) -> Mirror:
        """The mirror that the scan reads."""
        return Mirror(self.layout.mirror(self.repository.host, self.repository.owner, self.repository.name))
