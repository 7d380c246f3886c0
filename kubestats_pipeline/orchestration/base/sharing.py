"""The needs of a sweep where several machines share a lake: leases, and mirrors that another one has fetched.

On one machine it needs neither: the locks of files do the first, and a sync has brought every mirror.
"""

import time
from typing import TYPE_CHECKING

from kubestats_pipeline.lake.leases import Leases
from kubestats_pipeline.orchestration.base.context import Services

if TYPE_CHECKING:
    from kubestats_pipeline.scan.scan import Turns


def open_leases(services: Services) -> Leases:
    """The leases for a sweep that looks at the lake from now on."""
    return services.lake.leases(since=time.time())


def scan_turns(services: Services, leases: Leases) -> "Turns":
    """The turns of repositories in a scan."""
    from kubestats_pipeline.scan.scan import Turns  # the scanner: only its run pays for it
    from kubestats_pipeline.sync.sync import fetch_again

    if not leases.are_needed:
        return Turns()
    settings, layout = services.settings, services.lake.layout
    return Turns(leases, lambda repository: fetch_again(repository, settings, layout))
