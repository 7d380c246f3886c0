"""Other packages import what the documents promise, by the present path and by that of the version before."""

import importlib

import pytest

from kubestats_pipeline import plugins

EARLIER = {
    "kubestats_pipeline.scan.facts": ("Facts",),
    "kubestats_pipeline.scan.images": ("parse_image",),
    "kubestats_pipeline.scan.kinds.registry": ("scanner",),
    "kubestats_pipeline.discover.records": ("Found", "FoundRepository", "SourceFailure"),
    "kubestats_pipeline.discover.addresses": ("url_identity",),
}
"""The paths that were documented before `plugins.py`; they work for one version more."""


@pytest.mark.parametrize("module", EARLIER)
def test_an_earlier_path_gives_the_same_object_as_the_present_one(module: str):
    earlier = importlib.import_module(module)
    for name in EARLIER[module]:
        assert getattr(earlier, name) is getattr(plugins, name)


def test_a_package_that_imports_everything_gets_what_is_promised_and_nothing_else():
    space: dict[str, object] = {}
    exec("from kubestats_pipeline.plugins import *", space)  # noqa: S102 - what another package may write
    promised = {name for names in EARLIER.values() for name in names}
    assert promised | {"Decoded", "Image", "LIST_TAG", "Scanner", "Source"} == space.keys() - {"__builtins__"}
