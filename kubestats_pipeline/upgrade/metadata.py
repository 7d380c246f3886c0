"""Texts in the footers of files, beside the rows: problems before the last scan, values that outlived their files."""

from collections.abc import Mapping
from typing import Any

import orjson

from kubestats_pipeline.redaction.redact import redact_content, redact_setting
from kubestats_pipeline.redaction.texts import withhold_shapes
from kubestats_pipeline.scan.documents.canonical_json import canonical_json

_PROBLEMS, _VALUES = "before", "values"


def redact_metadata(metadata: Mapping[str, str]) -> tuple[dict[str, str], int]:
    """A file's metadata without secrets, and how many entries have changed."""
    told = dict(metadata)
    if _PROBLEMS in told:
        told[_PROBLEMS] = _changed(told[_PROBLEMS], _problems)
    if _VALUES in told:
        told[_VALUES] = _changed(told[_VALUES], _saved_values)
    return told, sum(told[name] != text for name, text in metadata.items())


def _changed(text: str, rules: Any) -> str:
    old = orjson.loads(text)
    new = rules(old)
    return text if new == old else orjson.dumps(new).decode()


def _problems(rows: Any) -> Any:
    return [{**row, "message": withhold_shapes(row["message"])} for row in rows]


def _saved_values(kept: Any) -> Any:
    releases = {owner: [layer and _layer(layer) for layer in layers] for owner, layers in kept["releases"].items()}
    return {**kept, "releases": releases}


def _layer(layer: dict[str, Any]) -> dict[str, Any]:
    """One input of a release's values, as `rows.values_to_json` writes it."""
    content = canonical_json(redact_content(orjson.loads(layer["content"] or "{}"))).decode()
    settings = [
        [place, redact_setting(tuple(place), text) if isinstance(text, str) else text]
        for place, text in layer["settings"]
    ]
    numbers = [[place, redact_setting(tuple(place), text)] for place, text in layer["numbers"]]
    return {
        **layer,
        "content": content if layer["content"] else layer["content"],
        "settings": settings,
        "numbers": numbers,
    }
