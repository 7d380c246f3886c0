"""Why a step failed, in the words of alerts, of a cycle's summary and of the JSON log alike.

Dagster wraps an error that nobody expected in errors of its own, which only say that there was one. Its text is left
out, because it may quote the document that was being worked on. The run's page has all of it.
"""

import builtins
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubestats_pipeline.orchestration.base.dagster_private import SerializableErrorInfo, StepFailureData

WRAPPERS = ("DagsterExecutionStepExecutionError", "RetryRequestedFromPolicy", "RetryRequested")
"""Wrappers that Dagster puts around the error of a step."""

_OF_THE_SYSTEM = frozenset(
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, OSError)
)
"""Errors whose text is the operating system's: a full disk, a file that is not there."""

_FRAME = re.compile(r'\s*File "(?P<file>[^"]+)", line (?P<line>\d+)')


def reason_of(failure: "StepFailureData | None") -> str:
    """The words of a `Failure`, which are meant for the user. Else the class of the error itself and where it arose."""
    description = failure.user_failure_data.description if failure and failure.user_failure_data else None
    if description:
        return description
    error = _cause(failure.error) if failure else None
    return _describe(error) if error else "failed without a reason"


def _cause(error: "SerializableErrorInfo | None") -> "SerializableErrorInfo | None":
    """The error that the step raised, out of Dagster's wrappers."""
    while error and error.cause and error.cls_name in WRAPPERS:
        error = error.cause
    return error


def _describe(error: "SerializableErrorInfo") -> str:
    name = error.cls_name or "error"
    if name in _OF_THE_SYSTEM:
        return error.message.strip().partition("\n")[0]
    frame = _FRAME.match(error.stack[-1]) if error.stack else None
    place = f" in {Path(frame['file']).name}, line {frame['line']}" if frame else ""
    return f"{name}{place}. The run's page has the whole error"
