"""Records of a build: the objects that a kustomization makes, or the reason why it makes none."""

from typing import Any, NamedTuple

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
