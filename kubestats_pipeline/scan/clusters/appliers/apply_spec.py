"""The request of an applier: the record that the readers of Flux, Argo CD and Fleet objects make for the walk."""

from typing import NamedTuple

from kubestats_pipeline.scan.facts.facts import Reference


class SourceOf(NamedTuple):
    """The source of the folder that an applier applies.

    Attributes:
        kind: GitRepository, OCIRepository, Bucket, ExternalArtifact, or Git for a literal URL.
        name: of the source object, or empty for a literal URL.
        namespace: of the source object.
        url: as written, if the applier or its object tells it.
        is_pinned: true if it selects a tag, a range or a commit, and so not the commit at hand.
    """

    kind: str
    name: str = ""
    namespace: str | None = None
    url: str | None = None
    is_pinned: bool = False


class ApplySpec(NamedTuple):
    """One folder that an applier applies, with the changes that it makes.

    Attributes:
        path: the folder, relative to the root of its source.
        source: where the folder is, or None if nothing is said, which means this repository.
        more: canonical JSON of the fields of a kustomization that the applier adds to that of the folder.
        namespace: for objects that have none, as Argo CD sets it.
        common: canonical JSON of the labels and annotations that are set on all objects.
        substitutes: true if variables are substituted.
        variables: those of the applier itself. A value that is secret is None.
        variables_from: the ConfigMaps and Secrets that hold more of them, with their namespace.
        helm: canonical JSON of the values that an Application gives to a chart in the folder: its `source`, the sources
            that this may refer to (`refs`), and the `file` of the Application.
        is_kustomize: true if a folder without a kustomization gets one, as Flux does it. Argo CD applies its files.
        is_recursive: true if it then applies the files of all folders below it too.
        forces_namespace: true if objects that have another namespace get it too, as Fleet does it.
        is_bundle: true for the objects of a bundle of Fleet that are not those of a kustomization.
        ignores_missing_components: true if components whose folder does not exist are left out.
    """

    path: str
    source: SourceOf | None = None
    more: bytes = b"{}"
    namespace: str | None = None
    common: bytes = b"{}"
    substitutes: bool = False
    variables: tuple[tuple[str, str | None], ...] = ()
    variables_from: tuple[Reference, ...] = ()
    helm: bytes = b"{}"
    is_kustomize: bool = True
    is_recursive: bool = False
    ignores_missing_components: bool = False
    forces_namespace: bool = False
    is_bundle: bool = False

    @property
    def is_always_built(self) -> bool:
        """True if the folder is built with `more`, whatever else there is."""
        return self.is_kustomize and not self.ignores_missing_components and not self.is_bundle
