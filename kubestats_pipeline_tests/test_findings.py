"""The findings: every script is in their list, with a test that exists, and none of them needs our code."""

import re
from pathlib import Path

import pytest

FINDINGS = Path(__file__).parents[1] / "findings"
SCRIPTS = sorted(FINDINGS.glob("*.sh"))
ROW = re.compile(r"^\| \[(?P<script>[\w-]+\.sh)\]\((?P=script)\) \|.*\| `(?P<test>test_\w+)` \|$", re.MULTILINE)

SHARED = {"kubectl 1.35.2 with kustomize 5.7.1": "lib", "DuckDB 2.0.1": "lib-duckdb"}
"""What scripts run, and the file that installs it for them."""


def test_the_list_has_every_script_with_a_test_that_exists() -> None:
    rows = dict(ROW.findall((FINDINGS / "README.md").read_text()))
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("*/**/test_*.py"))
    assert sorted(rows) == [script.name for script in SCRIPTS]
    assert [test for test in rows.values() if f"def {test}(" not in tests] == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_states_its_version_and_demands_what_was_seen(script: Path) -> None:
    text = script.read_text()
    opening, *lines = text.splitlines()
    assert opening == "#!/usr/bin/env bash"
    assert [line.partition(":")[0] for line in lines[:3]] == ["# Versions", "# Behaviour", "# Seen"]
    (version,) = [each for each in SHARED if each in lines[0]]
    assert lines[3] == "set -euo pipefail"
    assert f'source "$(dirname "$0")/{SHARED[version]}"' in lines
    assert lines.count("seen <<'END'") == 1
    assert "kubestats" not in text
