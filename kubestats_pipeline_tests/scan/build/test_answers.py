"""Builds of random trees, compared with the stored answers of kubectl.

`random_trees.py` makes the trees, and `store_answers.py` has asked kubectl for their builds.
"""

import json
from typing import Any

from benchmarks.comparison import differences
from kubestats_pipeline.redaction.redact import redact
from kubestats_pipeline_tests.scan.build.random_trees import make_tree
from kubestats_pipeline_tests.scan.build.store_answers import ANSWERS
from kubestats_pipeline_tests.scan.build.trees import build

STORED: dict[str, Any] = json.loads(ANSWERS.read_text(encoding="utf-8"))


def test_a_random_tree_is_built_as_kubectl_builds_it():
    wrong = {}
    for seed, answer in STORED.items():
        built = build(make_tree(int(seed)), "top")
        if answer is None or built.failure is not None:
            found = [] if answer is None and built.failure is not None else [built.failure or "kubectl refuses it"]
        else:
            found = differences(built, [redact(each) for each in answer])
        if found:
            wrong[seed] = found
    assert wrong == {}


def test_many_trees_are_built_and_many_are_refused():
    refused = [answer for answer in STORED.values() if answer is None]
    assert 100 < len(refused) < len(STORED) - 100
