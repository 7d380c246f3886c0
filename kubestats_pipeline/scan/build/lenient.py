"""Accumulation of what kustomize refuses to build: the parts that cannot be read are left out.

No cluster runs the result. But documents below a kustomization that is broken for some time still mean something, and
of a broken whole the sound parts tell it best. Mostly it lacks an entry that it names, which its kustomization alone
tells. Then it is not built as kustomize builds it, with every change of another file, only to be refused again.
"""

from collections.abc import Callable
from typing import NamedTuple

from kubestats_pipeline.scan.build.accumulate import Accumulator
from kubestats_pipeline.scan.build.kustomization import COMPONENT, Fields, texts
from kubestats_pipeline.scan.build.remote_entries import is_remote
from kubestats_pipeline.scan.build.transformers.resource import RefusedError
from kubestats_pipeline.scan.documents.repository_paths import resolve_entry

_SAFE_FIELDS = (
    "kind",
    "namespace",
    "namePrefix",
    "nameSuffix",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "images",
)
"""Fields that change resources without any other file."""


class LenientAccumulator(Accumulator):
    """Accumulates as far as possible: entries, files and changes that kustomize refuses count as missing."""

    def _in_entry(self, folder: str, entry: str, action: Callable[[str, str], None]) -> None:
        try:
            super()._in_entry(folder, entry, action)
        except RefusedError:
            return

    def _text(self, folder: str, entry: str) -> bytes:
        return super()._text(folder, entry) if super()._exists(folder, entry) else b""

    def _exists(self, folder: str, entry: str) -> bool:
        return True

    def _generate(self, folder: str, fields: Fields) -> None:
        try:
            super()._generate(folder, fields)
        except RefusedError:
            return

    def _transform(self, folder: str, fields: Fields) -> None:
        before = self.resources
        try:
            super()._transform(folder, fields)
        except RefusedError:
            self.resources = before
            super()._transform(folder, {key: fields[key] for key in _SAFE_FIELDS if key in fields})


class LookUps(NamedTuple):
    """The look-ups that are needed, which `builds.py` gives.

    Attributes:
        fields: of a folder's kustomization, or the reason why it has none.
        is_refused: true for a folder whose kustomization lacks an entry.
    """

    has_file: Callable[[str], bool]
    has_folder: Callable[[str], bool]
    fields: Callable[[str], Fields | str]
    is_refused: Callable[[str], bool]


def lacks_entry(folder: str, fields: Fields, look_ups: LookUps) -> bool:
    """True if a resource or a component of a kustomization is not there, or one that those name.

    Nothing that it names may lead back to it.
    """
    named = ((entry, resolve_entry(folder, entry)) for entry in texts(fields, "resources"))
    if any(_is_refused_as_resource(entry, path, look_ups) for entry, path in named):
        return True
    named = ((entry, resolve_entry(folder, entry)) for entry in texts(fields, "components"))
    return any(_is_refused_as_component(entry, path, look_ups) for entry, path in named)


def _is_refused_as_resource(entry: str, path: str, look_ups: LookUps) -> bool:
    if look_ups.has_file(path):
        return False
    return look_ups.is_refused(path) if look_ups.has_folder(path) else not is_remote(entry)


def _is_refused_as_component(entry: str, path: str, look_ups: LookUps) -> bool:
    if is_remote(entry) and not look_ups.has_folder(path):
        return False
    fields = look_ups.fields(path)
    return isinstance(fields, str) or fields["kind"] != COMPONENT or lacks_entry(path, fields, look_ups)
