"""Output of the kubestats command: tables and summaries, made with rich. It decides nothing."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.markup import escape

from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.plain_text import plain_json, plain_lines

if TYPE_CHECKING:
    from kubestats_pipeline.cli.doctor import Diagnosis
    from kubestats_pipeline.cli.status import RepositorySummary
    from kubestats_pipeline.orchestration.base.context import Progress as ProgressOfStages
    from kubestats_pipeline.orchestration.cycle import Cycle
    from kubestats_pipeline.scan.store.retire import Retired, RetireFailed
    from kubestats_pipeline.upgrade.redact_lake import Redacted

PLAIN_WIDTH = 160
"""Columns where the output is not a terminal."""


def _console(*, stderr: bool = False) -> Console:
    """Without emoji: a source is called `topic:a:`."""
    plain = Console(stderr=stderr, emoji=False)
    return plain if plain.is_terminal else Console(stderr=stderr, emoji=False, width=PLAIN_WIDTH)


console = _console()
errors = _console(stderr=True)

MARKS = {"ok": "[green]ok[/green]", "warning": "[yellow]warning[/yellow]", "failed": "[red]failed[/red]"}

DEMO_QUERIES: Mapping[str, str] = {
    "Which charts run where": """
        SELECT chart_name, repositories, releases, versions FROM chart_popularity
        WHERE is_resolved ORDER BY repositories DESC, releases DESC, chart_name LIMIT 8""",
    "What happened, by kind of event": """
        SELECT event_type, count(*) AS events, count(DISTINCT repository_id) AS repositories
        FROM resource_events GROUP BY event_type ORDER BY events DESC""",
    "The latest upgrades": """
        SELECT event_timestamp::DATE AS day, full_name, resource_name, version_before, version_after, author_kind
        FROM resource_events
        WHERE event_type = 'MODIFIED' AND resource_kind = 'HelmRelease' AND list_contains(changes_detected, 'version')
        ORDER BY event_timestamp DESC, resource_name LIMIT 6""",
    "What could not be read": """
        SELECT problem, count(*) AS files, min(file_path) AS for_example
        FROM scan_problems GROUP BY problem ORDER BY files DESC, problem""",
}
"""Queries that the demo runs at its end. The README shows them too."""


def show_error(text: str) -> None:
    """One message on standard error."""
    errors.print(f"[red]error:[/red] {_shown(text)}", soft_wrap=True, highlight=False)


def show_line(text: str) -> None:
    """One message on standard output."""
    console.print(_shown(text), soft_wrap=True, highlight=False)


@contextlib.contextmanager
def open_progress(*, as_json: bool) -> Iterator["ProgressOfStages"]:
    """Progress bars, or none where the run writes JSON lines instead."""
    from kubestats_pipeline.orchestration.base.context import SilentProgress

    if as_json:
        yield SilentProgress()
        return

    from kubestats_pipeline.cli.progress import RichProgress

    with RichProgress(console) as progress:
        yield progress


def show_cycle(cycle: "Cycle", layout: Layout, *, as_json: bool = False) -> None:
    """The summary of a run: what was done, what failed and why, and where the result is."""
    if as_json:
        _print_json({"message": "cycle finished", **asdict(cycle), "failed": len(cycle.failures)})
        return
    console.print(f"{cycle.repositories} repositories, {cycle.changed} with news, {len(cycle.failures)} failed")
    for subject, reason in [*sorted(cycle.failures.items()), *sorted(cycle.failed_checks.items())]:
        errors.print(f"[red]failed:[/red] {_shown(subject)}: {_shown(reason)}", soft_wrap=True, highlight=False)
    for note in cycle.notes:
        console.print(_shown(note), soft_wrap=True, highlight=False)
    for subject, reason in sorted(cycle.warnings.items()):
        errors.print(f"[yellow]warning:[/yellow] {_shown(subject)}: {_shown(reason)}", soft_wrap=True, highlight=False)
    if layout.warehouse.is_file():
        console.print(f"warehouse: {_shown(str(layout.warehouse))}", soft_wrap=True, highlight=False)
    if layout.report.exists():
        console.print(f"pages: {_shown(str(layout.report / 'index.html'))}", soft_wrap=True, highlight=False)


def show_demo(layout: Layout) -> None:
    """A few answers from the published warehouse, and what to do next."""
    from kubestats_pipeline.warehouse.connect import open_to_read

    with open_to_read(layout.warehouse) as connection:
        for title, query in DEMO_QUERIES.items():
            cursor = connection.execute(query)
            names = [name for name, *_ in cursor.description or ()]
            show_table(names, cursor.fetchall(), title)
    console.print("These are samples. Go on with:")
    console.print('  kubestats sql "FROM repository_status"   ask the warehouse anything', highlight=False)
    console.print("  kubestats report --open                  the pages, in the browser", highlight=False)
    console.print("  make dev                                 the Dagster UI on http://127.0.0.1:3000", highlight=False)
    console.print("  make reset && make run                   the real thing, without the samples", highlight=False)


def show_status(statuses: Iterable["RepositorySummary"], *, as_json: bool) -> bool:
    """Show all repositories. Gives True if none has failed."""
    known = list(statuses)
    if as_json:
        for repository in known:
            _print_json(asdict(repository))
    else:
        columns = ("repository", "status", "sync", "scan", "engine", "resources", "events", "problems", "last sync")
        show_table(columns, [_status_cells(repository) for repository in known])
        for repository in known:
            if reason := repository.status_reason or repository.error:
                console.print(f"{_shown(repository.full_name)}: {_shown(reason)}", soft_wrap=True, highlight=False)
        active = sum(repository.status == "active" for repository in known)
        others = f", {len(known) - active} not active" if active < len(known) else ""
        console.print(f"{active} repositories, {sum(repository.failed for repository in known)} failed{others}")
    return not any(repository.failed for repository in known)


def show_diagnoses(diagnoses: Iterable["Diagnosis"], *, as_json: bool = False) -> bool:
    """Show the diagnoses of the doctor. Gives True if nothing has failed."""
    healthy = True
    for finding in diagnoses:
        healthy = healthy and finding.mark != "failed"
        if as_json:
            _print_json(asdict(finding))
            continue
        line = f"{MARKS[finding.mark]:<24} {finding.subject:<12} {_shown(finding.text)}"
        console.print(line, soft_wrap=True, highlight=False)
    return healthy


def show_removed(removed: Mapping[str, str]) -> None:
    """Show what a clean-up took away."""
    for what, how_much in removed.items():
        console.print(f"{what}: {_shown(how_much)}", soft_wrap=True, highlight=False)


def show_retired(outcomes: Iterable["Retired | RetireFailed"]) -> bool:
    """Show what went to the archive, repository by repository. Gives True if none failed."""
    from kubestats_pipeline.scan.store.retire import RetireFailed

    done = failed = 0
    for outcome in outcomes:
        if isinstance(outcome, RetireFailed):
            failed += 1
            show_error(f"{outcome.full_name}: {outcome.reason}")
        else:
            done += 1
            text = f"{_shown(outcome.full_name)}: {outcome.events} events archived"
            console.print(text, soft_wrap=True, highlight=False)
    if not done and not failed:
        console.print("nothing is due. Retention.event_days and retention.payload_days say how much is kept")
    return not failed


def show_redacted(redacted: "Redacted") -> None:
    """Show secrets taken out of data of an earlier version, and files that could not be read for it."""
    if redacted.values:
        show_line(redacted.text)
    for subject, reason in sorted(redacted.failures.items()):
        show_error(f"{subject}: {reason}")


def _shown(text: str) -> str:
    """A text as it is: neither the terminal nor rich finds anything to obey in it."""
    return escape(plain_lines(text))


def _print_json(content: Mapping[str, Any]) -> None:
    console.print(plain_json(orjson.dumps(content).decode()), soft_wrap=True, highlight=False, markup=False)


def _status_cells(status: "RepositorySummary") -> list[Any]:
    seen = status.last_sync_at.strftime("%Y-%m-%d %H:%M") if status.last_sync_at else None
    counts = [status.resources, status.events, status.problems]
    return [
        status.full_name,
        "approved" if status.is_approved and status.status == "active" else status.status,
        status.sync_status,
        status.scan_status,
        status.gitops_engine,
        *counts,
        seen,
    ]


def show_table(names: Sequence[str], rows: Sequence[Sequence[Any]], title: str | None = None) -> None:
    """Rows as a table under a title. A terminal that is too narrow for all columns is told which have no room."""
    from kubestats_pipeline.cli.answers.grid import lay_out

    grid = lay_out(names, rows, console.width if console.is_terminal else None)
    if title:
        console.print(f"\n[bold]{_shown(title)}[/bold]", highlight=False)
    lines = [*grid.lines, *([f"… no room for {', '.join(grid.left_out)}"] if grid.left_out else [])]
    console.print("\n".join(lines), soft_wrap=True, highlight=False, markup=False)
