"""The files in deploy/, read as their own tools read them."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kubestats_pipeline_tests.pages import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"


def tool(name: str) -> str | None:
    """A program of the development environment, or of the system."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile with their arguments, each on one line, without comments."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def copied() -> list[tuple[list[str], str]]:
    """What the image takes from the repository: sources and target of each `COPY`, other stages left out."""
    found = []
    for name, rest in instructions():
        if name == "COPY" and not rest.startswith("--from"):
            *sources, target = rest.split()
            found.append((sources, target))
    return found


@cache
def compose() -> Mapping[str, Any]:
    """`compose.yaml` as Compose reads it: checked by its schema, with merged keys and whole names."""
    command = [str(tool("docker-compose")), "--file", str(DEPLOY / "compose.yaml"), "config", "--format", "json"]
    read: Mapping[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return read


def values() -> Mapping[str, Any]:
    """The values for Dagster's Helm chart."""
    read: Mapping[str, Any] = yaml.safe_load((DEPLOY / "kubernetes" / "values.yaml").read_text())
    return read


def resources() -> list[Mapping[str, Any]]:
    """The resources that are applied beside the chart."""
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / "resources.yaml").read_text()))


def user_of_the_image() -> str:
    """The user's and the group's numbers at the end of the Dockerfile."""
    return [rest for name, rest in instructions() if name == "USER"][-1]


SECRET = re.compile(r"(?i)token|passw|secret|key")
"""Names of what must not stand in a file."""
