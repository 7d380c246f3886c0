"""The console log of a run: a few readable lines, or the same as JSON for a log collector (`log_format`).

Dagster gives a logger every message and every event of a run. All of them are on the run's page. This module selects
those that are worth a line, and their fields: the repository, its commit, counts and seconds come from the metadata of
events, so that nothing is said twice. `terminal.py` makes what the command line shows instead of these lines.
"""

import datetime
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import orjson

from kubestats_pipeline.lake.contract import Partitioning
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.orchestration.base.batches import REASON
from kubestats_pipeline.orchestration.base.failures import reason_of
from kubestats_pipeline.plain_text import plain_json, plain_lines
from kubestats_pipeline.redaction.texts import withhold_shapes
from kubestats_pipeline.warehouse.marts import MARTS

CONSOLE = "console"
"""The name of the logger in run configs."""

LOGGED: Mapping[str, Any] = {"loggers": {CONSOLE: {"config": {"log_level": "INFO"}}}}
"""Run config of a job that writes to its console: Dagster takes no logger that the run config does not name."""

QUIET: Mapping[str, Any] = {"loggers": {CONSOLE: {"config": {"log_level": "CRITICAL"}}}}
"""Run config that keeps a run's log off the console, where progress bars are. It is in the run's page all the same."""

_OF_A_SCAN = {name for name, table in TABLES.items() if table.partitioning is Partitioning.REPOSITORY}
TOLD_ELSEWHERE = {
    *(_OF_A_SCAN - {"snapshots", "scans"}),
    "discovery_runs",
    "ecosystem_stats",
    *(mart.name for mart in MARTS),
}
"""Assets that are materialized together with `repositories`, `scans` or `warehouse`, or day by day: one line speaks for
all of it."""

SCALARS = (
    dg.IntMetadataValue,
    dg.FloatMetadataValue,
    dg.TextMetadataValue,
    dg.BoolMetadataValue,
    dg.UrlMetadataValue,
    dg.PathMetadataValue,
)


@dataclass(frozen=True)
class Line:
    """One line: its level, what happened, and the facts about it."""

    level: int
    message: str
    fields: Mapping[str, Any] = field(default_factory=dict)


def read_line(record: logging.LogRecord) -> Line | None:
    """The line for a record that Dagster gives to its loggers. None for its own housekeeping.

    Shapes of secrets are withheld from its message and its fields.
    """
    line = _read_line(record)
    if line is None:
        return None
    fields = {name: _fit(value) for name, value in line.fields.items()}
    return Line(line.level, withhold_shapes(line.message), fields)


def _fit(value: Any) -> Any:
    return withhold_shapes(value) if isinstance(value, str) else value


def _read_line(record: logging.LogRecord) -> Line | None:
    meta = getattr(record, "dagster_meta", {})
    event = meta.get("dagster_event")
    if event is None:
        return Line(record.levelno, str(meta.get("orig_message") or record.getMessage()), getattr(record, "fields", {}))
    kind = event.event_type
    if kind is dg.DagsterEventType.RUN_START:
        return Line(logging.INFO, "run started")
    if kind is dg.DagsterEventType.RUN_SUCCESS:
        return Line(logging.INFO, "run succeeded")
    if kind in (dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.STEP_FAILURE):
        return Line(logging.ERROR, str(event.message), _failure(event))
    if kind is dg.DagsterEventType.ASSET_MATERIALIZATION:
        return _materialized(event.step_materialization_data.materialization)
    if kind is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        return _checked(event.asset_check_evaluation_data)
    return None


def build_console(log_format: str) -> dg.LoggerDefinition:
    """The logger of all runs, in the format of the setting. It writes to standard error."""
    formatter = JsonFormatter() if log_format == "json" else PlainFormatter()

    @dg.logger(
        config_schema={"log_level": dg.Field(str, default_value="INFO", description="the least level that is written")},
        description="The console of a run: what changed, what failed, and how long it took.",
    )
    def console(context: dg.InitLoggerContext) -> logging.Logger:
        least = logging.getLevelNamesMapping()[context.logger_config["log_level"].upper()]
        handler = logging.StreamHandler()
        handler.setFormatter(formatter)
        handler.addFilter(lambda record: (line := read_line(record)) is not None and line.level >= least)
        logger = logging.Logger("kubestats.console", level=logging.DEBUG)  # materializations are logged at that level
        logger.addHandler(handler)
        return logger

    return console


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, message, run, job, step, and the facts as fields of their own."""

    def format(self, record: logging.LogRecord) -> str:
        """The line as JSON."""
        line = read_line(record) or Line(record.levelno, record.getMessage())
        meta = getattr(record, "dagster_meta", {})
        place = {"run_id": meta.get("run_id"), "job": meta.get("job_name"), "step": meta.get("step_key")}
        return to_json(line, {name: value for name, value in place.items() if value}, _time_of(record))


class PlainFormatter(logging.Formatter):
    """One readable line: time, level, job, message, and the facts behind it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line as text."""
        line = read_line(record) or Line(record.levelno, record.getMessage())
        job = getattr(record, "dagster_meta", {}).get("job_name") or ""
        facts = " ".join(f"{name}={value}" for name, value in line.fields.items())
        text = f"{_time_of(record):%H:%M:%S} {logging.getLevelName(line.level):<7} {job}: {line.message}"
        return plain_lines(f"{text}  {facts}" if facts else text)


def to_json(line: Line, place: Mapping[str, Any], time: datetime.datetime) -> str:
    """A line as one JSON object. A fact cannot take the place of the time, the level or the message."""
    fixed = {"time": time, "level": logging.getLevelName(line.level), "message": line.message, **place}
    content = {**fixed, **line.fields, **fixed}
    return plain_json(orjson.dumps(content, default=str, option=orjson.OPT_UTC_Z).decode())


def _time_of(record: logging.LogRecord) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(record.created, datetime.UTC)


def _materialized(event: dg.AssetMaterialization) -> Line | None:
    asset = event.asset_key.to_user_string()
    if asset in TOLD_ELSEWHERE or REASON in event.metadata:  # a failure was a warning already
        return None
    scalars = {name: value for name, value in event.metadata.items() if isinstance(value, SCALARS)}
    facts = {name.rpartition("/")[2]: value.value for name, value in scalars.items()}
    table = TABLES.get(asset)
    by_day = table is not None and table.partitioning in (Partitioning.DATE, Partitioning.YEAR)
    part = {"date" if by_day else "repository": event.partition} if event.partition else {}
    return Line(logging.INFO, " ".join([asset, *part.values()]), {"asset": asset, **part, **facts})


def _checked(evaluation: dg.AssetCheckEvaluation) -> Line | None:
    if evaluation.passed:
        return None
    level = logging.ERROR if evaluation.severity is dg.AssetCheckSeverity.ERROR else logging.WARNING
    asset = evaluation.asset_key.to_user_string()
    facts = {name: value.value for name, value in evaluation.metadata.items() if isinstance(value, SCALARS)}
    message = f"check {evaluation.check_name} of {asset} failed"
    return Line(level, message, {"asset": asset, "check": evaluation.check_name, **facts})


def _failure(event: dg.DagsterEvent) -> dict[str, Any]:
    """Why a step failed. The failure of a run is that of its steps."""
    is_of_step = event.event_type is dg.DagsterEventType.STEP_FAILURE
    return {"reason": reason_of(event.step_failure_data)} if is_of_step else {}
