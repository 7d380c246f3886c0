"""What a kind scanner says about one document: facts of that document alone.

Facts that need other files (a chart behind a reference, a namespace given by a kustomization) are joined from these
in `resolver.py`.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from kubestats_pipeline.lake.vocabulary import ChartKind, ImageRole
from kubestats_pipeline.scan.facts.transforms import NOTHING, Transform


@dataclass(frozen=True, slots=True)
class Image:
    """One container image as its author names it.

    Attributes:
        image: registry and repository without tag and digest, with what the author left out: `docker.io/library/nginx`.
        role: main, init or sidecar.
        raw: the reference as written, without credentials; another spelling of the same image makes no other image.
    """

    image: str
    tag: str | None
    digest: str | None
    role: ImageRole
    raw: str | None = field(default=None, compare=False)

    @property
    def registry(self) -> str | None:
        """Host of the registry; None where a placeholder hides it."""
        host, slash, _ = self.image.partition("/")
        return host if slash and "$" not in host and "{" not in host else None

    @property
    def repository(self) -> str:
        """What follows the registry."""
        return self.image if self.registry is None else self.image.partition("/")[2]


class Reference(NamedTuple):
    """A reference to another object; a missing namespace means that of the object that refers."""

    kind: str
    name: str
    namespace: str | None = None


class Source(NamedTuple):
    """A Flux source: where charts or manifests come from.

    Attributes:
        flavour: helm (an index over HTTP), oci_registry (a HelmRepository of type oci), oci (one artifact), git or
            bucket.
        url: as written.
        version: the selected tag, digest, semver range, branch or commit, where the source itself selects one.
        is_pinned: whether that is a commit, tag or range of a git repository: not the commit at hand.
    """

    flavour: str
    url: str
    version: str | None = None
    is_pinned: bool = False


class ChartUse(NamedTuple):
    """A use of a Helm chart.

    Either `reference` names an object that stands for the whole chart (`chartRef`), or `name` is a chart (or a path)
    inside `source`, or inside the literal `url`.

    Attributes:
        kind: `git` (`name` is a path in the git repository `url`) or `path` (a folder of this repository, without a
            URL); None where the URL tells: an index of charts, or with `oci://` an artifact.
        unknown: why the document alone shows already that the chart or its version cannot be known.
    """

    reference: Reference | None = None
    name: str | None = None
    version: str | None = None
    source: Reference | None = None
    url: str | None = None
    kind: ChartKind | None = None
    unknown: str | None = None


class FluxPath(NamedTuple):
    """What a Flux Kustomization applies, and what it changes of that.

    Attributes:
        path: a directory of its source.
        transform: its `patches`, `targetNamespace`, `namePrefix`, `nameSuffix` and `images`.
        components: directories relative to the path.
        source: where the directory is; None where a parent patches that in.
        substitutes: whether variables are replaced in what it applies.
        variables: `postBuild.substitute`; None for a value that is secret.
        variables_from: the ConfigMaps and Secrets of `postBuild.substituteFrom`.
    """

    path: str
    transform: Transform = NOTHING
    components: tuple[str, ...] = ()
    source: Reference | None = None
    substitutes: bool = False
    variables: tuple[tuple[str, str | None], ...] = ()
    variables_from: tuple[Reference, ...] = ()


class Copy(NamedTuple):
    """A folder of a repository and where its content lies in an artifact that a Flux ArtifactGenerator makes."""

    artifact: str
    folder: str
    place: str


class ValuesFrom(NamedTuple):
    """An entry of `spec.valuesFrom`, by which a HelmRelease takes in values from a ConfigMap or Secret.

    Attributes:
        key: by default `values.yaml`.
        target_path: the one setting, as `helm --set` names it, that the content is the value of.
    """

    reference: Reference
    key: str = "values.yaml"
    target_path: str | None = None
    is_optional: bool = False


class ValuesPart(NamedTuple):
    """One input of a release's Helm values that its own document holds or names.

    A scanner lists a release's parts in the order of precedence: each is merged over those before it. What
    `spec.valuesFrom` of a HelmRelease takes in is no part but a `ValuesInput`, which needs other files to be found.

    Attributes:
        kind: `map` (a mapping in the document), `text` (YAML in a string of it), `parameters` (there too: a list of
            `{name, value}`, or a mapping of dotted names, as `helm --set` takes them), `file` (a values file of the
            repository) or `unknown` (something that the repository does not hold).
        place: the keys and list indices that lead to it from the document's root: `("spec", "values")`.
        path: of a file, relative to the folder of the document's file; from the repository's root with a leading `/`.
        key: of a file's content, only what stands below this key: a wrapper chart's `values.yaml` is keyed by the
            dependency's alias or name.
        is_optional: a missing file is taken for an empty one.
    """

    kind: str
    place: tuple[str | int, ...] = ()
    path: str | None = None
    key: str | None = None
    is_optional: bool = False


class ValuesInput(NamedTuple):
    """One entry of `spec.valuesFrom`, followed to where its content stands; `Resolved.values_inputs` lists them.

    Attributes:
        kind: `file` (put into a ConfigMap by a `configMapGenerator`), `configmap` (declared as a resource), `secret`
            (never read) or `unknown` (not found, or found several times with different content).
        path: of the file, or of the ConfigMap's file, from the repository's root.
        identity: of the ConfigMap (an `identity.Identity`; a plain tuple to this module).
        key: under which the ConfigMap holds it, by default `values.yaml`.
        target_path: the one setting, as `helm --set` names it, that the content is the value of.
    """

    kind: str
    path: str | None = None
    identity: tuple[object, ...] | None = None
    key: str = "values.yaml"
    target_path: str | None = None
    is_optional: bool = False


class Facts(NamedTuple):
    """Everything that a kind scanner may say; all of it is optional.

    Attributes:
        version: version of the object itself, as written.
        is_release: whether the chart use counts as an installation (a HelmRelease does, a HelmChart object that only
            feeds one does not). This is the one definition of a release; the views take it over.
        app_name: the application that is run. Of a release, its name; of a wrapper chart's dependencies, the wrapper's
            name; of what runs containers, its label `app.kubernetes.io/name`, else its name. Nothing else has one.
        patch_reason: why a document that looks like a release is none.
        values: the inputs of its Helm values that it holds or names itself, the last one wins.
        values_from: those that it takes in before them.
        copies: what a generator of artifacts puts together.
    """

    version: str | None = None
    chart: ChartUse | None = None
    is_release: bool = False
    source: Source | None = None
    flux_path: FluxPath | None = None
    app_name: str | None = None
    images: tuple[Image, ...] = ()
    patch_reason: str | None = None
    values: tuple[ValuesPart, ...] = ()
    values_from: tuple[ValuesFrom, ...] = ()
    copies: tuple[Copy, ...] = ()
