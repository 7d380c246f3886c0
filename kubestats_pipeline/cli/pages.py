"""`kubestats report`: makes the pages where they are older than the published file, and serves them on this machine."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from kubestats_pipeline.cli import terminal
from kubestats_pipeline.cli.explained import explained
from kubestats_pipeline.cli.loaded import load_settings

if TYPE_CHECKING:
    import socket

    from kubestats_pipeline.settings import Settings


def report(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="where they are served, on 127.0.0.1. Default: report.port"),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="open them in the browser")] = False,
    build_only: Annotated[bool, typer.Option("--build-only", help="make them, and serve nothing")] = False,
) -> None:
    """Make the pages of the published file where they are out of date, and serve them until interrupted."""
    from kubestats_pipeline.loopback import listen

    with explained():
        settings = load_settings()
        server = None if build_only else listen(port or settings.report.port)
        make_pages(settings)
        if server is not None:
            _serve(settings, server, open_browser=open_browser)


def make_pages(settings: "Settings") -> None:
    """Make the pages, and say where they are.

    Raises:
        ReportError: they cannot be made. The last ones stay.
        BusyError: another process makes them.
    """
    from kubestats_pipeline.report.build import build_site
    from kubestats_pipeline.warehouse.build import schema_version

    layout = settings.layout
    made = build_site(layout.warehouse, layout.report, schema_version(), settings.report.url)
    terminal.show_line(f"{made.pages} pages, {made.written} files written, {made.kept} kept: {made.index}")


def _serve(settings: "Settings", server: "socket.socket", *, open_browser: bool) -> None:
    import webbrowser

    from kubestats_pipeline.report.serve import serve

    host, port = server.getsockname()
    address = f"http://{host}:{port}/"
    terminal.show_line(f"The pages are on {address} until Ctrl-C")
    if open_browser:
        webbrowser.open(address)
    serve(settings.layout.report, server)


@contextlib.contextmanager
def beside(settings: "Settings") -> Iterator[None]:
    """Serve the pages beside the UI. Where their port is taken, the UI goes on without them."""
    from kubestats_pipeline.loopback import ServerError, listen
    from kubestats_pipeline.report.serve import served

    try:
        server = listen(settings.report.port)
    except ServerError as error:
        terminal.show_error(f"the pages are not served: {error}")
        yield
        return
    host, port = server.getsockname()
    terminal.show_line(f"The pages are on http://{host}:{port}/ after the first publication")
    with served(settings.layout.report, server):
        yield
