"""`kubestats mcp`: answers an assistant's questions about the published file, over standard input and output."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from kubestats_pipeline.cli.explained import explained
from kubestats_pipeline.cli.loaded import load_settings
from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake.paths import Layout


class MissingExtraError(ExplainedError):
    """An optional dependency is not installed. The text says how to install it."""


def mcp(
    against: Annotated[
        Path | None, typer.Option("--against", help="a published file, instead of the one in the data directory")
    ] = None,
) -> None:
    """Serve the published file to an assistant, read-only, over standard input and output (MCP)."""
    with explained():
        if importlib.util.find_spec("mcp") is None:
            raise MissingExtraError("the package mcp is missing. Run `pip install 'kubestats-pipeline[mcp]'`")
        from kubestats_pipeline.ask.mcp_server import build_server
        from kubestats_pipeline.ask.published import PublishedFile

        published = PublishedFile(against or Layout(load_settings().data_dir).warehouse)
        published.ask("SELECT 1")  # a wrong file is told now, and not when the assistant asks
        build_server(published).run()
