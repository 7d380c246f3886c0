"""Records of a build: the resources on their way, the objects that come out, or why none do."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kubestats_pipeline.scan.build.kustomization import Fields
from kubestats_pipeline.scan.build.transformers.field_specs import FieldSpecs
from kubestats_pipeline.scan.build.transformers.patch_steps import ReadPatch
from kubestats_pipeline.scan.build.transformers.resource import BuildResource
from kubestats_pipeline.scan.build.transformers.strict import is_equal
from kubestats_pipeline.scan.manifests.identity import Identity


class BuiltObject(NamedTuple):
    """One object as kustomize makes it.

    Attributes:
        content: the object, redacted. It is shared between builds and never changed.
        origin: the document that it began as, or None for what a generator makes.
        changed_by: the features that changed it: namespace, name, label, image, patch, replacement, ….
        base_name: its name without the hash suffix of a generator, or None if it has no such suffix.
        incomplete: the reason why a part of it is not known, or None.
        files: of a generated ConfigMap, the keys whose value is a file, with the path of the file. Of a chart,
            the names of its values files, with their paths.
    """

    content: dict[str, Any]
    origin: Identity | None = None
    changed_by: frozenset[str] = frozenset()
    base_name: str | None = None
    incomplete: str | None = None
    files: tuple[tuple[str, str], ...] = ()

    def __eq__(self, other: object) -> bool:
        return is_equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not is_equal(self, other)


class Built(NamedTuple):
    """The build of one folder.

    Attributes:
        objects: in the order in which kustomize takes them in.
        failure: the reason why kustomize refuses to build the folder. It then has no objects.
        missing: the remote entries that are left out because they are not in the repository, without credentials.
    """

    objects: tuple[BuiltObject, ...] = ()
    failure: str | None = None
    missing: tuple[str, ...] = ()


class Accumulation(NamedTuple):
    """The resources of a kustomization before names get their hashes.

    Attributes:
        specs: the field specs of it and its bases.
        failure: the reason why kustomize refuses it.
        missing: remote entries that are left out.
        variables: the names of `vars`, which are not followed.
        steps: of those before the transformers, the changes that components have made.
    """

    resources: tuple[BuildResource, ...] = ()
    specs: FieldSpecs | None = None
    failure: str | None = None
    missing: tuple[str, ...] = ()
    variables: frozenset[str] = frozenset()
    steps: int = 0


class Readers(NamedTuple):
    """The look-ups that an accumulation needs, which `builds.py` gives."""

    file: Callable[[str], tuple[BuildResource, ...]]
    text: Callable[[str], bytes]
    patch: Callable[[str], ReadPatch]
    has_file: Callable[[str], bool]
    has_folder: Callable[[str], bool]
    fields: Callable[[str], Fields]
    kind: Callable[[str], str | None]
    accumulated: Callable[[str], Accumulation]
    chart_documents: Callable[[str], Mapping[str, Identity]]
