"""An earlier version of the scanner that redacted nothing, and a repository with a history full of secrets."""

import datetime
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.git import history
from kubestats_pipeline.scan.kinds import flux
from kubestats_pipeline.scan.manifests import incremental as revisions
from kubestats_pipeline.scan.manifests import manifests, withheld_paths
from kubestats_pipeline.scan.store import position as store
from kubestats_pipeline.scan.store import rows
from kubestats_pipeline.scan.values import inputs as values_inputs
from kubestats_pipeline.scan.values import merge as values
from kubestats_pipeline_tests.scan.world import World, chart, config, documents, helm_repository, manifest, release

WORD = "canary7zq4"
"""Stands in every secret that is planted."""

TOKEN = "gh" + f"p_{WORD}" + "Ab1Cd2Ef3Gh4Ij5Kl6"


def secret(number: int, kind: str = "word") -> str:
    """A secret of its own; a `word` is one by its place, a `token` by its shape too."""
    return f"{WORD}x{number}" if kind == "word" else f"{TOKEN}{number}"


def files_at(number: int) -> dict[str, str | None]:
    """The files of one commit: secrets change in each, and so does something else in each document.

    A change of nothing but a secret is no event of today's scanner; what an earlier one made of it stays an event.
    """
    word, token = secret(number), secret(number, "token")
    inner = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"user": word}}
    text = f"env:\n  - name: API_TOKEN\n    value: {word}\nplain: {number}\n"
    settings = {
        "auth": {"password": word},
        "env": [{"name": "DB_PASSWORD", "value": word}, {"name": "TZ", "value": f"Europe/{number}"}],
        "extraObjects": [inner],
        "onepassword": {"image": {"repository": "docker.io/1password/connect", "tag": f"1.{number}"}, "replicas": 2},
        "note": f"see {token}",
    }
    odd: str | None = manifest("ConfigMap", "odd", data={"value": token, "count": str(number)}) if number % 2 else None
    return {
        "secret.yaml": manifest("Secret", "s", data={"a": secret(0)}, stringData={"b": secret(0)}, count=number),
        "release.yaml": documents(
            helm_repository("up"), release("app", chart=chart("web", "1.0.0", "up"), values=settings)
        ),
        "config.yaml": config("file", text),
        "odd.yaml": odd,
        "plain.yaml": config("plain", str(number)),
        "broken.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: [{word}\n",
    }


def commit_history(world: World, commits: int = 6) -> None:
    """A commit a month, whose subjects hold secrets too."""
    for number in range(commits):
        at = datetime.datetime(2026, 1 + number, 5, tzinfo=datetime.UTC)
        world.git.commit(
            files_at(number), message=f"fix: set password={secret(number)} and {secret(number, 'token')}", at=at
        )


def redact_nothing(patch: pytest.MonkeyPatch) -> None:
    """Let the scanner be an earlier version that knows no secret."""

    def same(content: Any, *_: Any, **__: Any) -> Any:
        return content

    def part(_document: Any, _place: Any, value: Any) -> Any:
        return value

    patch.setattr(store, "SCANNER_VERSION", "4")
    for module, names in {
        manifests: ("redact", "withhold_in"), values: ("redact_values",), rows: ("withhold_in", "withhold_shapes"),
        history: ("redact_text",), withheld_paths: ("withhold_shapes",),
    }.items():  # fmt: skip
        for name in names:
            patch.setattr(module, name, same)
    patch.setattr(revisions, "redact_part", part)
    for module in (values_inputs, flux):
        patch.setattr(module, "redact_setting", lambda _place, text: text)


def leaky_world(folder: Path, patch: pytest.MonkeyPatch) -> World:
    """The lake that an earlier version has left of the history."""
    world = World(folder)
    commit_history(world)
    with patch.context() as earlier:
        redact_nothing(earlier)
        world.scan()
    return world
