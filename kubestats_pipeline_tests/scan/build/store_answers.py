"""Asks kubectl for the builds of random trees, and stores its answers for `test_answers.py`.

Run it as `KUBECTL=PATH python -m kubestats_pipeline_tests.scan.build.store_answers`. It takes a minute.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.documents.stream import decode_stream
from kubestats_pipeline_tests.scan.build.random_trees import Tree, make_tree

ANSWERS = Path(__file__).with_name("answers.json")
SEEDS = range(300)


def ask_kubectl(kubectl: str, tree: Tree, folder: str = "top") -> list[Any] | None:
    """The objects of a folder, or None where kustomize refuses to build it."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in tree.items():
            file = Path(root, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        command = [kubectl, "kustomize", "--load-restrictor=LoadRestrictionsNone", str(Path(root, folder))]
        answer = subprocess.run(command, capture_output=True, timeout=60, check=False)
    if answer.returncode:
        return None
    return [document.content for document in decode_stream(answer.stdout, Bounds()) if document.content]


def main() -> None:
    """Store the answers for all seeds."""
    kubectl = os.environ["KUBECTL"]
    answers = {seed: ask_kubectl(kubectl, make_tree(seed)) for seed in SEEDS}
    lines = (
        f'"{seed}":{json.dumps(answer, separators=(",", ":"), sort_keys=True)}' for seed, answer in answers.items()
    )
    ANSWERS.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
