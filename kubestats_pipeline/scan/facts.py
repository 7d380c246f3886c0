"""What a kind scanner says about one document: facts of that document alone.

Facts that need other files (a chart behind a reference, a namespace given by a kustomization) are joined from these
in `resolve.py`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    """One container image as its author names it.

    Attributes:
        image: registry and repository without tag and digest.
        role: main, init or sidecar.
    """

    image: str
    tag: str | None
    digest: str | None
    role: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to another object; a missing namespace means that of the object that refers."""

    kind: str
    name: str
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A Flux source: where charts or manifests come from.

    Attributes:
        flavour: helm (an index over HTTP), oci_registry (a HelmRepository of type oci), oci (one artifact), git or
            bucket.
        url: as written.
        version: the selected tag, digest, semver range, branch or commit, where the source itself selects one.
    """

    flavour: str
    url: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class ChartUse:
    """A use of a Helm chart.

    Either `reference` names an object that stands for the whole chart (`chartRef`), or `name` is a chart (or a path)
    inside `source`, or inside the literal `url`.
    """

    reference: Reference | None = None
    name: str | None = None
    version: str | None = None
    source: Reference | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class FluxPath:
    """What a Flux Kustomization applies: a directory of its source, perhaps into a namespace of its choice."""

    path: str
    target_namespace: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a kind scanner may say; all of it is optional.

    Attributes:
        version: version of the object itself, as written.
        is_release: whether the chart use counts as an installation (a HelmRelease does, a HelmChart object that only
            feeds one does not).
        patch_reason: why a document that looks like a release is none.
    """

    version: str | None = None
    chart: ChartUse | None = None
    is_release: bool = False
    source: Source | None = None
    flux_path: FluxPath | None = None
    app_name: str | None = None
    images: tuple[Image, ...] = ()
    patch_reason: str | None = None
