"""The kubestats command: thin. `terminal.py` makes what it shows. The modules that it names do the work.

Exit status: 0 when everything succeeded, 1 when anything failed (it is named), 2 for a wrong call or setting, 130 after
an interrupt.
"""

import datetime
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kubestats_pipeline.cli import questions, terminal
from kubestats_pipeline.cli.answers.completion import names_of
from kubestats_pipeline.cli.answers.formats import Format
from kubestats_pipeline.cli.backup import backup, fetch, restore
from kubestats_pipeline.cli.decisions import approve, block, delete, unblock
from kubestats_pipeline.cli.explained import FAILED, ExplainedCommands, explained
from kubestats_pipeline.cli.loaded import load_settings, published_file
from kubestats_pipeline.cli.pages import beside, report
from kubestats_pipeline.cli.review import review
from kubestats_pipeline.git import command as git
from kubestats_pipeline.scan.parallel.gc_tuning import relaxed_gc

if TYPE_CHECKING:
    from kubestats_pipeline.settings import Settings

SERVING = ("dev", "mcp", "report")
"""Commands that may stay for months, and collect their garbage as Python does by default."""

app = typer.Typer(
    name="kubestats",
    cls=ExplainedCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="show the traceback of an error before its message")] = False,
) -> None:
    """Watches the GitOps ecosystem: discover, sync, scan, publish."""
    if context.invoked_subcommand not in SERVING:
        context.with_resource(relaxed_gc())


@app.command()
def demo() -> None:
    """Run the whole pipeline on sample repositories that the package builds itself. No network is needed."""
    from kubestats_pipeline.cli.cycles import cycle_over
    from kubestats_pipeline.sample.build import build_sample

    with explained():
        known = load_settings()
        git.require()
        _require_receivers(known)
        sample = known.layout.sample
        settings = load_settings(repositories=[str(sample)], github={"topics": []}, max_repositories=None)
        build_sample(sample)
        succeeded = cycle_over(settings, command="demo")
        if succeeded:
            terminal.show_demo(settings.layout)
    raise typer.Exit(0 if succeeded else FAILED)


@app.command()
def run(
    source: Annotated[
        list[str] | None, typer.Option("--source", help="ask only this source: github, gitlab or list. Repeatable")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="process at most so many repositories")] = None,
) -> None:
    """One cycle: discover, sync, scan and publish. Exits with 1 if anything failed, and names it."""
    from kubestats_pipeline.cli.cycles import cycle_over, tell_costs

    with explained():
        settings = load_settings(**({"max_repositories": limit} if limit else {}))
        git.require()
        _require_receivers(settings)
        _check_sources(settings, source or [])
        tell_costs(settings, source or [])
        succeeded = cycle_over(settings, source or [])
    raise typer.Exit(0 if succeeded else FAILED)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a repository")] = False,
) -> None:
    """How every repository does: its last sync and scan, what it holds, what is wrong. Exits with 1 if one failed."""
    from kubestats_pipeline.cli.status import NothingKnownError, read_status, why_nothing_is_known

    with explained():
        layout = load_settings().layout
        known = list(read_status(layout))
        if not known:
            raise NothingKnownError(why_nothing_is_known(layout))
        healthy = terminal.show_status(known, as_json=as_json)
    raise typer.Exit(0 if healthy else FAILED)


@app.command()
def sync(
    repositories: Annotated[
        list[str],
        typer.Argument(
            metavar="OWNER/NAME...",
            help="full names, or ones they had",
            autocompletion=names_of("repo", published_file),
        ),
    ],
) -> None:
    """Sync and scan some repositories now, those too that wait for their next attempt, and publish."""
    from kubestats_pipeline.cli.cycles import cycle_of
    from kubestats_pipeline.lake.lake import Lake
    from kubestats_pipeline.lake.repositories import find_active

    with explained():
        settings = load_settings()
        git.require()
        _require_receivers(settings)
        succeeded = cycle_of(settings, find_active(Lake(settings.layout).pulled(), repositories))
    raise typer.Exit(0 if succeeded else FAILED)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="a query, or `-` to read it from standard input")],
    output_format: Annotated[Format, typer.Option("--format", help="how to print the rows")] = Format.TABLE,
    output: Annotated[Path | None, typer.Option("--output", help="write to a file instead")] = None,
    rows: Annotated[
        int | None, typer.Option("--rows", min=0, help="rows of a table, 0 for all. Default: 200 on a terminal")
    ] = None,
    pager: Annotated[bool, typer.Option(" /--no-pager", help="write long tables to the terminal at once")] = True,
) -> None:
    """Query the published warehouse, read-only."""
    from kubestats_pipeline.cli.query import Showing, run_query

    with explained():
        text = sys.stdin.read() if query == "-" else query
        showing = Showing(output_format, output, rows, pager)
        run_query(load_settings().layout.warehouse, text, showing)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a finding")] = False,
) -> None:
    """Check git, GitHub, disk, lake, warehouse, scanners, Dagster's storage and daemons, and the age of the data.

    Exits with 1 if anything failed. A warning is not a failure.
    """
    from kubestats_pipeline.cli.doctor import examine

    with explained():
        healthy = terminal.show_diagnoses(examine(load_settings()), as_json=as_json)
    raise typer.Exit(0 if healthy else FAILED)


@app.command()
def metrics(
    output: Annotated[Path | None, typer.Option("--output", help="replace a file instead, at once")] = None,
) -> None:
    """The state of the pipeline in Prometheus' text format, for a scraper or node_exporter's textfile collector."""
    from kubestats_pipeline.cli.metrics import measure, render, write

    with explained():
        measures = measure(load_settings(), datetime.datetime.now(datetime.UTC))
        if output is None:
            typer.echo(render(measures), nl=False)
        else:
            write(measures, output)


@app.command()
def clean() -> None:
    """Remove what nothing needs any more: leftovers of killed processes, unused mirrors, old runs of Dagster."""
    from kubestats_pipeline.orchestration.base.context import Services
    from kubestats_pipeline.orchestration.base.dagster_home import open_instance
    from kubestats_pipeline.orchestration.cycle import run_clean_up

    with explained():
        settings = load_settings()
        with open_instance(settings.layout) as instance:
            terminal.show_removed(run_clean_up(Services(settings), instance))


@app.command()
def retire() -> None:
    """Move events that are older than the settings keep into data/archive. Exits with 1 if a repository failed."""
    from kubestats_pipeline.lake.lake import Lake
    from kubestats_pipeline.scan.store.retire import retire_all

    with explained():
        settings = load_settings()
        today = datetime.datetime.now(datetime.UTC).date()
        lake = Lake(settings.layout).pulled()
        succeeded = terminal.show_retired(retire_all(lake, settings.retention, today))
        lake.storage.push()
    raise typer.Exit(0 if succeeded else FAILED)


@app.command()
def watch(
    days: Annotated[int, typer.Option("--days", min=1, help="how far back to look")] = 7,
    test: Annotated[bool, typer.Option("--test", help="send a test message to each receiver instead")] = False,
) -> None:
    """Show the changes that the watch rules find. Nothing is told. Exits with 1 if a name or a receiver is wrong."""
    from kubestats_pipeline.cli.answers.watched import find_watched, send_tests

    with explained():
        settings = load_settings()
        _require_receivers(settings)
        healthy = True
        for finding in send_tests(settings) if test else find_watched(settings, days):
            (terminal.show_error if finding.has_failed else terminal.show_line)(finding.text)
            healthy = healthy and not finding.has_failed
    raise typer.Exit(0 if healthy else FAILED)


@app.command()
def dev(
    port: Annotated[int, typer.Option(min=1, max=65535, help="where the UI listens, on 127.0.0.1")] = 3000,
) -> None:
    """The Dagster UI, daemon and schedules, until interrupted."""
    with explained():
        settings = load_settings()
        git.require()
        _require_receivers(settings)
        _serve(settings, port)


for command in (
    *questions.QUESTIONS,
    questions.tables,
    questions.mcp,
    backup,
    fetch,
    report,
    restore,
    review,
    approve,
    block,
    unblock,
    delete,
):
    app.command()(command)


def _serve(settings: "Settings", port: int) -> None:
    from kubestats_pipeline.lake.lake import Lake
    from kubestats_pipeline.loopback import HOST, listen
    from kubestats_pipeline.orchestration.base.dagster_home import claim_home, open_instance
    from kubestats_pipeline.orchestration.dev_server import serve
    from kubestats_pipeline.orchestration.repairs.clock_reset import forget_the_future
    from kubestats_pipeline.orchestration.repairs.orphaned_runs import fail_orphans
    from kubestats_pipeline.upgrade.redact_lake import redact_lake

    layout = settings.layout
    server = listen(port)
    os.environ |= {"DAGSTER_HOME": str(claim_home(layout)), "DAGSTER_IS_DEV_CLI": "1"}
    with open_instance(layout) as instance:
        fail_orphans(instance, alone=True)
        forget_the_future(instance, time.time())
        terminal.show_redacted(redact_lake(Lake(layout).pulled()))
        with beside(settings):
            terminal.show_line(f"UI: http://{HOST}:{port} in some seconds, until Ctrl-C")
            serve(instance, server, settings.ui.hosts, "json" if settings.log_format == "json" else "colored")


def _require_receivers(settings: "Settings") -> None:
    """Stop a command at its start that could not tell anybody."""
    if settings.alerts.receivers:
        from kubestats_pipeline.watch.receivers import open_receivers

        open_receivers(settings.alerts)


def _check_sources(settings: "Settings", names: list[str]) -> None:
    from kubestats_pipeline.discover.configured import sources_from
    from kubestats_pipeline.settings import SettingsError

    try:
        sources_from(settings, names)
    except ValueError as error:
        raise SettingsError(str(error)) from None
