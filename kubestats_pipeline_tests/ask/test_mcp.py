"""`kubestats mcp` with a real client over standard input and output, on what the demo leaves."""

import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from kubestats_pipeline_tests.demo import KUBESTATS, clean_environment, demo  # noqa: F401 - a fixture

ASKED: dict[str, dict[str, Any]] = {
    "chart": {"name": "app-template"},
    "columns": {"table": "resources"},
    "grep": {"text": "replicas: "},
    "image": {"part": "jellyfin"},
    "newest": {"name": "app-template"},
    "received": {"name": "app-template"},
    "releases_as_of": {"moment": "2026-06-01", "chart": "cert-manager"},
    "repositories": {"words": "home"},
    "repository": {"name": "<the first>"},
    "settings": {"chart": "app-template", "path": "Image"},
    "sql": {"query": "SELECT full_name FROM repositories ORDER BY full_name"},
    "tables": {},
    "who_runs": {"name": "Jellyfin"},
}
"""One call of each tool."""


def with_client(directory: Path, work: Callable[[Client], Awaitable[Any]]) -> Any:
    """The result of some work with a client of a server that runs in a directory."""
    server = StdioServerParameters(command=KUBESTATS[0], args=[*KUBESTATS[1:], "mcp"], cwd=directory)
    server.env = clean_environment()

    async def run() -> Any:
        async with Client(stdio_client(server)) as client:
            return await work(client)

    return anyio.run(run)


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    """The structured answer of a tool, or its error as a text."""
    result = await client.call_tool(tool, arguments)
    return result.content[0].text if result.is_error else result.structured_content  # type: ignore[union-attr]


def test_every_tool_is_described_and_finds_something(demo):  # noqa: F811
    async def ask_all(client: Client) -> tuple[Any, dict[str, Any]]:
        listed = (await client.list_tools()).tools
        first = (await call(client, "sql", **ASKED["sql"]))["rows"][0]["full_name"]
        calls = ASKED | {"repository": {"name": first}}
        return listed, {name: await call(client, name, **arguments) for name, arguments in calls.items()}

    listed, answers = with_client(demo.directory, ask_all)
    assert sorted(tool.name for tool in listed) == sorted(ASKED)
    assert all(len(tool.description) > 30 for tool in listed)
    assert {name: answer for name, answer in answers.items() if not answer["rows"]} == {}
    assert answers["who_runs"]["rows"][0]["found_as"]
    assert answers["tables"]["shown"].endswith("rows, all")


def test_a_wrong_question_is_an_error_that_explains_itself_and_the_next_is_answered(demo):  # noqa: F811
    async def ask_wrongly(client: Client) -> tuple[Any, ...]:
        leak = await call(client, "sql", query="FROM read_text('/etc/hostname')")
        change = await call(client, "sql", query="DROP TABLE resources")
        moment = await call(client, "releases_as_of", moment="yesterday")
        return leak, change, moment, await call(client, "sql", query="SELECT 1 AS one")

    leak, change, moment, right = with_client(demo.directory, ask_wrongly)
    assert "disabled by configuration" in leak
    assert "DROP is not a query" in change
    assert "yesterday" in moment
    assert right["rows"] == [{"one": 1}]


def finished(program: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """A Python program that has run the command, with nothing to read."""
    command = [sys.executable, "-c", program]
    settings: dict[str, Any] = {"cwd": directory, "env": clean_environment(), "stdin": subprocess.DEVNULL}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **settings)


MCP = "from kubestats_pipeline.cli.main import app; app(['mcp'], standalone_mode=False)"


def test_the_server_starts_without_dagster_and_ends_with_its_input(demo):  # noqa: F811
    ended = finished(f"import sys; {MCP}; print('dagster' in sys.modules, 'mcp' in sys.modules)", demo.directory)
    assert (ended.stdout.strip(), ended.stderr) == ("False True", "")


def test_without_the_extra_one_line_says_how_to_install_it(demo):  # noqa: F811
    ended = finished(
        "import sys; sys.modules['mcp'] = None; from kubestats_pipeline.cli.main import app; app(['mcp'])",
        demo.directory,
    )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "pip install 'kubestats-pipeline[mcp]'" in ended.stderr


@pytest.mark.parametrize("arguments", [(), ("--against", "nowhere.duckdb")])
def test_without_a_published_file_one_line_says_what_to_do(tmp_path: Path, arguments: tuple[str, ...]):
    command = [*KUBESTATS, "mcp", *arguments]
    settings: dict[str, Any] = {"cwd": tmp_path, "env": clean_environment(), "stdin": subprocess.DEVNULL}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **settings)
    assert ended.returncode == 1
    assert "Run `kubestats demo`" in ended.stderr
