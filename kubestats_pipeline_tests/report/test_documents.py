"""The YAML of a document gives the document again."""

import json
from pathlib import Path

import duckdb
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from kubestats_pipeline.report.parts.documents import LONGEST, as_yaml

TEXTS = st.text(max_size=40) | st.sampled_from(
    [
        "yes",
        "~",
        "1e3",
        "0x1F",
        "12:30",
        "2026-01-01",
        "a: b",
        "a #b",
        "- x",
        "{x",
        "line\nline\n",
        "line\n\n  more",
        " x",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=15,
)


@given(VALUES)
@example({"a": [[1, [2]], [{"b": {}}], []]})
@example("0\x1b\n")
@example("\x1b0\n1")
@example({"run": "set -e\n\techo 'x'\n  done\n"})
@example("two\nlines")
def test_whoever_reads_it_as_yaml_gets_the_document(value: object):
    try:
        document = json.dumps(value, ensure_ascii=False).encode().decode()
    except UnicodeEncodeError:
        return  # a half of a pair is in no document
    assert yaml.safe_load(as_yaml(document)) == value


def test_all_documents_of_the_demo_are_given_again(demo_file: Path):
    with duckdb.connect(str(demo_file), read_only=True) as connection:
        documents = [document for (document,) in connection.execute("SELECT data FROM resources").fetchall()]
    assert len(documents) > 100
    for document in documents:
        assert yaml.load(as_yaml(document), yaml.CSafeLoader) == json.loads(document)


def test_usual_documents_look_as_people_write_them():
    document = {"kind": "Service", "spec": {"ports": [{"port": 80, "name": "http"}], "on": "yes"}}
    shown = 'kind: Service\nspec:\n  ports:\n    - port: 80\n      name: http\n  "on": "yes"\n'
    assert as_yaml(json.dumps(document)) == shown


def test_a_very_long_document_is_cut_and_says_so():
    shown = as_yaml(json.dumps({"data": "x " * LONGEST}))
    assert len(shown) < LONGEST + 100
    assert shown.endswith("characters more\n")


@pytest.mark.parametrize("document", ["[]", "{}", '"text"', "3", "null"])
def test_what_is_no_map_is_shown_too(document: str):
    assert yaml.safe_load(as_yaml(document)) == json.loads(document)
