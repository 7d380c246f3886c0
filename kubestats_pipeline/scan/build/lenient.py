"""Accumulation of what kustomize refuses to build: the parts that cannot be read are left out.

No cluster runs the result. But documents below a kustomization that is broken for some time still mean something, and
of a broken whole the sound parts tell it best.
"""

from collections.abc import Callable

from kubestats_pipeline.scan.build.accumulate import Accumulator
from kubestats_pipeline.scan.build.kustomization import Fields
from kubestats_pipeline.scan.build.transformers.resource import RefusedError

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
