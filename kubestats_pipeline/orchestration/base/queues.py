"""A share of a sweep goes to the worker that has its mirrors, where that worker lives.

Celery's workers take runs from queues. One that also takes from `kubestats-2` gets the second share of each sweep. The
queues of workers that are lost are not used: whoever is free takes their shares, and fetches the mirrors anew.
"""

import logging

import dagster as dg

from kubestats_pipeline.orchestration.base.shares import Share

QUEUE_TAG = "dagster-celery/queue"
"""Run tag of Dagster's launcher for Celery. Other launchers do not heed it."""

ANSWER_SECONDS = 1.0
"""How long workers have to say that they live."""

_log = logging.getLogger(__name__)


def queue_of(share: Share) -> str:
    """The queue of the worker that has the mirrors of a share."""
    return f"kubestats-{share.number}"


def live_queues(instance: dg.DagsterInstance) -> frozenset[str]:
    """The queues from which Celery's workers take runs at this moment. None with another launcher."""
    celery = getattr(instance.run_launcher, "celery", None)
    if celery is None:
        return frozenset()
    from kombu.exceptions import KombuError  # comes with Celery

    try:
        workers = celery.control.inspect(timeout=ANSWER_SECONDS).active_queues() or {}
    except (KombuError, *celery.connection_for_write().connection_errors) as error:  # Dagster tells of it with the run
        _log.warning("Celery does not say which workers live (%s)", type(error).__name__)
        return frozenset()
    return frozenset(queue["name"] for queues in workers.values() for queue in queues)


def tags_of(share: Share, live: frozenset[str]) -> dict[str, str]:
    """The run tags that bring a share to its worker, where one takes from its queue."""
    queue = queue_of(share)
    return {QUEUE_TAG: queue} if queue in live else {}
