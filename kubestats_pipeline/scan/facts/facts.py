"""Facts of one document, as kind scanners find them. They depend on that document alone.

Facts that need other files (a chart behind a reference, a namespace from a kustomization) are resolved from these in
`resolver.py`.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from kubestats_pipeline.lake.vocabulary import ChartKind, Context, ImageRole


@dataclass(frozen=True, slots=True)
class Image:
    """One container image as its author names it.

    Attributes:
        image: registry and repository without tag and digest, with what the author left out: `docker.io/library/nginx`.
        role: main, init or sidecar.
        raw: the reference as written, without credentials. It is not compared, because two spellings are one image.
    """

    image: str
    tag: str | None
    digest: str | None
    role: ImageRole
    raw: str | None = field(default=None, compare=False)

    @property
    def registry(self) -> str | None:
        """Host of the registry, or None if a placeholder hides it."""
        host, slash, _ = self.image.partition("/")
        return host if slash and "$" not in host and "{" not in host else None

    @property
    def repository(self) -> str:
        """The image without its registry."""
        return self.image if self.registry is None else self.image.partition("/")[2]


class Reference(NamedTuple):
    """A reference to another object. Without a namespace, that of the referring object counts."""

    kind: str
    name: str
    namespace: str | None = None


SourceFlavour = Literal["helm", "oci_registry", "oci", "git", "bucket"]
ValuesPartKind = Literal["map", "text", "parameters", "file", "unknown"]
ValuesInputKind = Literal["file", "configmap", "secret", "unknown"]


class ChartSource(NamedTuple):
    """A Flux source, from which charts or manifests come.

    Attributes:
        flavour: helm (an index over HTTP), oci_registry (a HelmRepository of type oci), oci (one artifact), git or
            bucket.
        url: as written.
        version: the selected tag, digest, semver range, branch or commit, if the source itself selects one.
        is_pinned: true if that is a commit, tag or range of a git repository, and so not the commit at hand.
        tag: that stands beside a digest. The digest decides, and the tag is what people read and what has an order.
    """

    flavour: SourceFlavour
    url: str
    version: str | None = None
    is_pinned: bool = False
    tag: str | None = None


class ChartUse(NamedTuple):
    """A use of a Helm chart.

    There are three forms: `reference` names an object that is the whole chart (`chartRef`), or `name` is a chart or a
    path in `source`, or `name` is one in the literal `url`.

    Attributes:
        kind: `git` (`name` is a path in the git repository `url`), or `path` (a folder of this repository, without a
            URL), or None for an index of charts, or with `oci://` an artifact.
        unknown: the reason why the chart or its version cannot be known, if the document alone shows that.
    """

    reference: Reference | None = None
    name: str | None = None
    version: str | None = None
    source: Reference | None = None
    url: str | None = None
    kind: ChartKind | None = None
    unknown: str | None = None


class FluxPath(NamedTuple):
    """The path that a Flux Kustomization applies, and the variables that it substitutes.

    Attributes:
        path: a directory of its source.
        source: the source of the directory, or None if a parent patches it in.
        substitutes: true if variables are substituted in the applied resources.
        variables: `postBuild.substitute`, with None for a value that is secret.
        variables_from: the ConfigMaps and Secrets of `postBuild.substituteFrom`.
    """

    path: str
    source: Reference | None = None
    substitutes: bool = False
    variables: tuple[tuple[str, str | None], ...] = ()
    variables_from: tuple[Reference, ...] = ()


class Copy(NamedTuple):
    """A folder of a source, and the place of its content in an artifact that a Flux ArtifactGenerator makes."""

    artifact: str
    folder: str
    place: str
    source: Reference | None = None


class ValuesFrom(NamedTuple):
    """An entry of `spec.valuesFrom`, by which a HelmRelease takes in values from a ConfigMap or Secret.

    Attributes:
        key: by default `values.yaml`.
        target_path: the one setting, as `helm --set` names it, whose value is the content.
    """

    reference: Reference
    key: str = "values.yaml"
    target_path: str | None = None
    is_optional: bool = False


class ValuesPart(NamedTuple):
    """One input of a release's Helm values that its own document holds or names.

    A scanner lists a release's parts in the order of precedence: later parts are merged over earlier ones. The inputs
    of a HelmRelease's `spec.valuesFrom` are not parts but `ValuesInput`s, because they are found in other files.

    Attributes:
        kind: `map` (a mapping in the document), `text` (YAML in a string of it), `parameters` (a list of `{name,
            value}` in the document, or a mapping of dotted names, as `helm --set` takes them), `file` (a values file
            of the repository) or `unknown` (not in the repository).
        place: the keys and list indices that lead to it from the document's root: `("spec", "values")`.
        path: of a file, relative to the folder of the document's file, or with a leading `/` to the repository's root.
        key: the key of the content under which the values are. A wrapper chart's values have them under the
            dependency's alias or name.
        is_optional: true if a missing file counts as an empty one.
        repository: the URL of the git repository that has the file, if the document names one. It may be another one
            than the one that is read.
        without: keys at the top of the file that do not count.
        origin: the file that gives it in place of the document, as a file of overrides of Argo CD does.
    """

    kind: ValuesPartKind
    place: tuple[str | int, ...] = ()
    path: str | None = None
    key: str | None = None
    is_optional: bool = False
    repository: str | None = None
    without: tuple[str, ...] = ()
    origin: str | None = None


class Switches(NamedTuple):
    """The switches of a chart's dependency: settings of the chart's values that enable and disable it.

    Attributes:
        conditions: places of settings. The first one that is a boolean decides.
        tags: keys below `tags`. They decide if no condition does: one that is true enables, else one that is false
            disables.
    """

    conditions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class ValuesInput(NamedTuple):
    """One entry of `spec.valuesFrom`, followed to its content. `Resolved.values_inputs` lists them.

    Attributes:
        kind: `file` (put into a ConfigMap by a `configMapGenerator`), `configmap` (declared as a resource), `secret`
            (never read) or `unknown` (not found, or found several times with different content).
        path: of the file, or of the ConfigMap's file, from the repository's root.
        identity: of the ConfigMap (an `identity.Identity`; a plain tuple to this module).
        key: under which the ConfigMap holds it, by default `values.yaml`.
        target_path: the one setting, as `helm --set` names it, whose value is the content.
    """

    kind: ValuesInputKind
    path: str | None = None
    identity: tuple[object, ...] | None = None
    key: str = "values.yaml"
    target_path: str | None = None
    is_optional: bool = False


class Facts(NamedTuple):
    """All facts of a document that a kind scanner may find. Each of them is optional.

    Attributes:
        version: version of the object itself, as written.
        chart: the Helm chart that it uses.
        is_release: true if the use of the chart is an installation. It is for a HelmRelease, but not for a HelmChart
            object that a HelmRelease refers to. The views use this definition of a release too.
        source: the Flux source that it is.
        flux_path: the path that it applies, if it is a Flux Kustomization.
        app_name: the application that it runs. This is the name of a release, the name of the wrapper for a wrapper
            chart's dependencies, and for containers the label `app.kubernetes.io/name` or else the object's name.
        images: the container images that it names.
        patch_reason: the reason why a document that looks like a release only patches one.
        values: the inputs of its Helm values that it holds or names itself. The last one wins.
        values_from: the inputs of `spec.valuesFrom`, which come before those.
        copies: the folders that a generator of artifacts copies.
        switches: the settings that enable and disable it, if it is a dependency of a chart.
        context: the context of its file, if that is not the one of the file's path.
    """

    version: str | None = None
    chart: ChartUse | None = None
    is_release: bool = False
    source: ChartSource | None = None
    flux_path: FluxPath | None = None
    app_name: str | None = None
    images: tuple[Image, ...] = ()
    patch_reason: str | None = None
    values: tuple[ValuesPart, ...] = ()
    values_from: tuple[ValuesFrom, ...] = ()
    copies: tuple[Copy, ...] = ()
    switches: Switches = Switches()
    context: Context | None = None

    @property
    def version_tag(self) -> str | None:
        """The tag beside a version that is a digest."""
        return self.source.tag if self.source is not None else None
