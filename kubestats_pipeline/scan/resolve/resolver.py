"""What each resource of a repository means at one commit: effective namespace, name, chart, version and images.

`index.py` holds what the files say, `apply_paths.py` how each resource is applied; here references are
followed, and what several applications of one resource have in common becomes its meaning. Nothing outside the
repository is consulted and nothing is guessed: a reference that does not lead to exactly one object is ambiguous or
unresolved, with the reason. After a change only what it can have reached is resolved again.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kubestats_pipeline.git.command import without_credentials
from kubestats_pipeline.lake.vocabulary import ChartKind, Resolution
from kubestats_pipeline.scan.documents.budget import Budget, TooComplexError
from kubestats_pipeline.scan.documents.repository_paths import normalise_path
from kubestats_pipeline.scan.facts.charts import Resolved, canonical_url, chart_at, chart_of
from kubestats_pipeline.scan.facts.facts import ChartUse, Facts, Image, Source
from kubestats_pipeline.scan.facts.path_context import context_of
from kubestats_pipeline.scan.kinds.flux import SOURCE
from kubestats_pipeline.scan.kustomize.kustomization import Kustomize
from kubestats_pipeline.scan.manifests.identity import Identity, order_of
from kubestats_pipeline.scan.manifests.manifests import Manifest
from kubestats_pipeline.scan.resolve.apply_paths import LEVELS, Applications, distinct
from kubestats_pipeline.scan.resolve.include_paths import Routes
from kubestats_pipeline.scan.resolve.incremental import Memory, derived
from kubestats_pipeline.scan.resolve.index import Declarations
from kubestats_pipeline.scan.resolve.transform import with_images
from kubestats_pipeline.scan.resolve.values_from import ValuesInputs
from kubestats_pipeline.scan.resolve.variables import ConfigMaps

MAX_HOPS = 3
"""References from a release to its source: through one HelmChart, and one to spare."""


_MEANING = "Resolver._meaning"


class Instance(NamedTuple):
    """A resource as one of its applications brings it to the cluster."""

    namespace: str | None
    name: str
    facts: Facts


class Instances(NamedTuple):
    """A resource in all of its applications.

    Attributes:
        each: those that differ.
        by_flux: whether a Flux Kustomization applies it, as far as the repository tells.
        is_complete: False where it has more applications than are told apart, or too complex ones.
        too_complex: what of it is too large.
    """

    each: tuple[Instance, ...]
    by_flux: bool
    is_complete: bool
    too_complex: str | None = None


class _Found(NamedTuple):
    """What a reference leads to; without an instance, why to nothing."""

    instance: Instance | None
    resolution: Resolution = "exact"
    reason: str | None = None


class Resolver:
    """The reference graph of one repository at one commit."""

    def __init__(self) -> None:
        self.memory = Memory()
        self._declared = Declarations(self.memory)
        routes = Routes(self._declared)
        config_maps = ConfigMaps(self._declared, routes)
        self._applications = Applications(self._declared, routes, config_maps)
        self._values = ValuesInputs(self._declared, routes, config_maps)
        self._frozen: dict[Identity, Resolved] = {}
        self._unsettled: set[Identity] = set()

    def replace_file(
        self, path: str, declared: Mapping[Identity, Manifest], frozen: Mapping[Identity, Resolved]
    ) -> None:
        """Say what a file declares now.

        Args:
            path: path of the file.
            declared: all resources of the file; empty when it is gone.
            frozen: those of them that stand in an unreadable file, with their last known meaning.
        """
        before = self._declared.identities(path)
        self._unsettled |= self._declared.replace_file(path, declared)
        for identity in before:
            if self._frozen.pop(identity, None) is not None:
                self._unsettled.add(identity)
            if identity not in declared:
                self.memory.forget((_MEANING, identity))
                self._applications.forget(identity)
        self._frozen |= frozen
        self._unsettled |= frozen.keys()

    def replace_kustomization(self, folder: str, kustomize: Kustomize | None) -> None:
        """Say what the kustomization.yaml of a folder holds now; None when there is none."""
        self._declared.replace_kustomization(folder, kustomize)

    def settle(self) -> dict[Identity, Resolved]:
        """The meaning of all resources that were declared anew, or that mean something else, since the last call.

        They come in the order of their identities, whatever order they were derived in.
        """
        doubtful: dict[Identity, Resolved] = {
            key[1]: former  # type: ignore[misc]  # a meaning is that of an identity
            for key, former in self.memory.take_doubtful(_MEANING).items()
        }
        settled: dict[Identity, Resolved] = {}
        for identity in sorted({*doubtful, *self._unsettled}, key=order_of):
            if identity in self._declared:
                meaning = self._meaning(identity)
                if identity in self._unsettled or meaning != doubtful.get(identity):
                    settled[identity] = self._frozen.get(identity) or meaning
        self._unsettled.clear()
        return settled

    def effective_images(self, identity: Identity, images: tuple[Image, ...]) -> tuple[Image, ...]:
        """Images that a release's values name, with the variables in them put in, where all applications agree."""
        if not any("$" in (image.raw or image.image) for image in images):
            return images
        budget, found = Budget(), set[tuple[Image, ...]]()
        try:
            for way in self._applications.of(identity.path, None, LEVELS).ways:
                variables = dict(way.variables or ())
                found.add(tuple(with_images(image, variables, budget) for image in images) if variables else images)
        except TooComplexError:
            return images
        return found.pop() if len(found) == 1 else images

    @derived
    def _meaning(self, identity: Identity) -> Resolved:
        facts = self._declared.facts(identity)
        if reason := self._patch_reason(identity, facts):
            return Resolved(identity.key.namespace, facts.version, reason=reason)
        instances = self._find_instances(identity, facts)
        meanings = [self._resolve(identity, facts, each) for each in instances.each]
        if not instances.is_complete:
            reason = instances.too_complex or "it is applied too many times"
            meanings = [each._replace(resolution="ambiguous", reason=reason) for each in meanings]
        return _common(meanings, facts, identity)._replace(too_complex=instances.too_complex)

    def _patch_reason(self, identity: Identity, facts: Facts) -> str | None:
        """Why a document that looks like a release is none."""
        if facts.patch_reason is not None or not facts.is_release:
            return facts.patch_reason
        patchers = self._declared.patchers(identity.path)
        if not patchers or self._declared.includers(identity.path):
            return None
        return f"a patch of a release that stands elsewhere: {patchers[0]}/kustomization.yaml lists it as one"

    @derived
    def _instances(self, identity: Identity) -> Instances:
        """Remembered for what others refer to; of all else, only the meaning is asked for."""
        return self._find_instances(identity, self._declared.facts(identity))

    def _find_instances(self, identity: Identity, facts: Facts) -> Instances:
        is_applier = facts.flux_path is not None
        applied = self._applications.of(identity.path, identity if is_applier else None, LEVELS - is_applier)
        shapes = self._applications.shapes(identity, facts, applied)
        each = [Instance(shape.namespace, shape.name, shape.facts) for shape in shapes.each]
        is_complete = applied.is_complete and not shapes.is_left
        return Instances(distinct(each), applied.by_flux, is_complete, shapes.too_complex)

    def _resolve(self, identity: Identity, declared: Facts, instance: Instance) -> Resolved:
        namespace, _, facts = instance
        images = facts.images if facts.images != declared.images else None
        app_name = facts.app_name if facts.app_name != declared.app_name else None
        if facts.chart is None:
            return Resolved(namespace, facts.version, reason=facts.patch_reason, images=images, app_name=app_name)
        if not facts.is_release:
            return Resolved(namespace, facts.chart.version, images=images, app_name=app_name)
        chart = _if_known(self._chart(facts.chart, namespace, MAX_HOPS))
        inputs = self._values.of(identity, namespace, facts.values_from)
        return chart._replace(namespace=namespace, images=images, app_name=app_name, values_inputs=inputs)

    def _chart(self, use: ChartUse, namespace: str | None, hops: int) -> Resolved:
        """The chart behind a use that stands in `namespace`."""
        if (known := chart_of(use)) is not None:
            return known
        unresolved = Resolved(version=use.version, chart_name=use.name, resolution="unresolved")
        reference = use.reference or use.source
        if reference is None:
            return unresolved._replace(reason="it names no source")
        found = self._find(reference.kind, reference.name, reference.namespace or namespace)
        if found.instance is None:
            return unresolved._replace(resolution=found.resolution, reason=found.reason)
        source, chart = found.instance.facts.source, found.instance.facts.chart
        if source is not None:
            return _chart_of_source(use, source)
        if use.reference is None or chart is None or not hops:  # a chart is no source
            return unresolved._replace(reason="its source is a chart")
        return self._chart(chart, found.instance.namespace, hops - 1)

    @derived
    def _find(self, kind: str, name: str, namespace: str | None) -> _Found:
        """The one object that a reference means; None as a namespace means that it is not known."""
        label = f"{kind} {name}"
        named = [
            (identity, instances, each)
            for identity in self._declared.named(SOURCE, kind, name)
            for instances in (self._instances(identity),)
            for each in instances.each
            if each.name == name
        ]
        if not named:
            if "$" in name:
                return _Found(
                    None, "unresolved", f"{label} has a variable in its name whose value is not in the repository"
                )
            return _Found(None, "unresolved", f"{label} is not in the repository")
        matching = [each for each in named if each[2].namespace == namespace]
        if not matching and namespace is not None:
            matching = [each for each in named if each[2].namespace is None]
        if not matching:
            place = namespace or "of the release, which is not known"
            return _Found(None, "unresolved", f"{label} is not in namespace {place}")
        for preferred in (lambda each: each[1].by_flux, lambda each: context_of(each[0].path) == "active"):
            matching = [each for each in matching if preferred(each)] or matching
        if len({(each[2].facts.source, each[2].facts.chart) for each in matching}) > 1:
            return _Found(None, "ambiguous", f"{label} is declared {len(matching)} times with different content")
        return _Found(matching[0][2])


def _chart_of_source(use: ChartUse, source: Source) -> Resolved:
    """The chart `use.name` of a source, or the source that is the chart."""
    raw = without_credentials(source.url)
    if source.flavour == "oci_registry":
        return chart_at(f"{source.url.rstrip('/')}/{use.name}", use.name or "", use.version)
    if source.flavour == "helm":
        return Resolved(None, use.version, use.name, canonical_url(source.url), "helm", "exact", chart_url_raw=raw)
    if source.flavour == "oci":
        return chart_at(source.url, "", source.version)
    kind: ChartKind = "git" if source.flavour == "git" else "path"
    name = normalise_path(use.name or "")
    return Resolved(None, source.version, name, canonical_url(source.url), kind, "exact", chart_url_raw=raw)


_DIFFERENCES = {
    "chart": ("chart_name", "chart_url", "chart_kind"),
    "version": ("version",),
}
"""Where two applications of one release must agree for it to be one use of one chart."""


def _common(meanings: list[Resolved], facts: Facts, identity: Identity) -> Resolved:
    """What all applications of a resource agree in; where they do not, it is as its document says, or not known."""
    if len(meanings) == 1:
        return meanings[0]
    declared = Resolved(identity.key.namespace, facts.chart.version if facts.chart else facts.version)
    found = [{each[column] for each in meanings} for column in range(len(declared))]
    common = Resolved._make(each.pop() if len(each) == 1 else own for own, each in zip(declared, found, strict=True))
    if not facts.is_release:
        return common._replace(resolution="not_applicable", reason=facts.patch_reason)
    missing = [each.reason or "" for each in meanings if each.resolution == "unresolved"]
    if missing:
        return common._replace(resolution="unresolved", reason=min(missing))
    differ = [name for name, columns in _DIFFERENCES.items() if len({_columns(each, columns) for each in meanings}) > 1]
    if differ:
        reason = f"it is applied {len(meanings)} times, with another {' and '.join(differ)} each"
        return common._replace(resolution="ambiguous", reason=reason)
    return common


def _columns(meaning: Resolved, names: Iterable[str]) -> tuple[object, ...]:
    return tuple(getattr(meaning, name) for name in names)


def _if_known(chart: Resolved) -> Resolved:
    """Not exact where a variable is left in it: its value is not in the repository."""
    parts = {"name": chart.chart_name, "place": chart.chart_url, "version": chart.version}
    hidden = [name for name, text in parts.items() if text and "${" in text]
    if chart.resolution != "exact" or not hidden:
        return chart
    reason = f"its {' and '.join(hidden)} has a variable whose value is not in the repository"
    return chart._replace(resolution="unresolved", reason=reason)
