"""What each resource of a repository means at one commit: effective namespace, name, chart, version and images.

`declarations.py` holds what the files say, `applications.py` how each resource is applied; here references are
followed, and what several applications of one resource have in common becomes its meaning. Nothing outside the
repository is consulted and nothing is guessed: a reference that does not lead to exactly one object is ambiguous or
unresolved, with the reason. After a change only what it can have reached is resolved again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

from kubestats_pipeline.git import without_credentials
from kubestats_pipeline.scan.applications import LEVELS, Applications
from kubestats_pipeline.scan.charts import Resolved, canonical_url, chart_at, chart_of
from kubestats_pipeline.scan.context import context_of
from kubestats_pipeline.scan.declarations import Declarations, order
from kubestats_pipeline.scan.facts import ChartUse, Facts, Image, Source
from kubestats_pipeline.scan.identity import Identity
from kubestats_pipeline.scan.kinds.flux import SOURCE
from kubestats_pipeline.scan.kustomize import Kustomize
from kubestats_pipeline.scan.manifests import Manifest
from kubestats_pipeline.scan.memory import Memory, derived
from kubestats_pipeline.scan.paths import normalise_path
from kubestats_pipeline.scan.reshape import with_images
from kubestats_pipeline.scan.routes import Routes
from kubestats_pipeline.scan.values_from import ValuesInputs
from kubestats_pipeline.scan.variables import ConfigMaps

MAX_HOPS = 3
"""References from a release to its source: through one HelmChart, and one to spare."""


_MEANING = "Resolver._meaning"


@dataclass(frozen=True, slots=True)
class Instance:
    """A resource as one of its applications brings it to the cluster."""

    namespace: str | None
    name: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Instances:
    """A resource in all of its applications.

    Attributes:
        by_flux: whether a Flux Kustomization applies it, as far as the repository tells.
        is_complete: False where it has more applications than are told apart.
    """

    each: frozenset[Instance]
    by_flux: bool
    is_complete: bool


@dataclass(frozen=True, slots=True)
class _Found:
    """What a reference leads to; without an instance, why to nothing."""

    instance: Instance | None
    resolution: str = "exact"
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
        """The meaning of all resources that were declared anew, or that mean something else, since the last call."""
        doubtful: dict[Identity, Resolved] = {
            key[1]: self.memory.known(key)  # type: ignore[misc]  # a meaning is that of an identity
            for key in self.memory.doubtful(_MEANING)
        }
        settled: dict[Identity, Resolved] = {}
        for identity in sorted({*doubtful, *self._unsettled}, key=order):
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
        ways = self._applications.of(identity.path, None, LEVELS).ways
        found = {
            tuple(with_images(image, dict(way.variables)) for image in images) if way.variables is not None else images
            for way in ways
        }
        return found.pop() if len(found) == 1 else images

    @derived
    def _meaning(self, identity: Identity) -> Resolved:
        manifest = self._declared.manifest(identity)
        assert manifest is not None  # noqa: S101 - only what is declared is asked about
        if reason := self._patch_reason(identity, manifest.facts):
            return Resolved(identity.key.namespace, manifest.facts.version, reason=reason)
        instances = self._instances(identity)
        meanings = [self._resolve(identity, manifest, each) for each in instances.each]
        if not instances.is_complete:
            meanings = [
                replace(each, resolution="ambiguous", reason="it is applied too many times") for each in meanings
            ]
        return _common(meanings, manifest, identity)

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
        manifest = self._declared.manifest(identity)
        assert manifest is not None  # noqa: S101 - only what is declared is asked about
        is_applier = manifest.facts.flux_path is not None
        applied = self._applications.of(identity.path, identity if is_applier else None, LEVELS - is_applier)
        shapes = self._applications.shapes(identity, manifest, applied)
        each = frozenset(Instance(shape.namespace, shape.name, shape.facts) for shape in shapes)
        return Instances(each, applied.by_flux, applied.is_complete)

    def _resolve(self, identity: Identity, manifest: Manifest, instance: Instance) -> Resolved:
        facts, namespace = instance.facts, instance.namespace
        images = facts.images if facts.images != manifest.facts.images else None
        app_name = facts.app_name if facts.app_name != manifest.facts.app_name else None
        own = Resolved(namespace, images=images, app_name=app_name)
        if facts.chart is None:
            return replace(own, version=facts.version, reason=facts.patch_reason)
        if not facts.is_release:
            return replace(own, version=facts.chart.version)
        chart = _if_known(self._chart(facts.chart, namespace, MAX_HOPS))
        inputs = self._values.of(identity, namespace, facts.values_from)
        return replace(chart, namespace=namespace, images=images, app_name=app_name, values_inputs=inputs)

    def _chart(self, use: ChartUse, namespace: str | None, hops: int) -> Resolved:
        """The chart behind a use that stands in `namespace`."""
        if (known := chart_of(use)) is not None:
            return known
        unresolved = Resolved(version=use.version, chart_name=use.name, resolution="unresolved")
        reference = use.reference or use.source
        if reference is None:
            return replace(unresolved, reason="it names no source")
        found = self._find(reference.kind, reference.name, reference.namespace or namespace)
        if found.instance is None:
            return replace(unresolved, resolution=found.resolution, reason=found.reason)
        source, chart = found.instance.facts.source, found.instance.facts.chart
        if source is not None:
            return _chart_of_source(use, source)
        if use.reference is None or chart is None or not hops:  # a chart is no source
            return replace(unresolved, reason="its source is a chart")
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
    kind = "git" if source.flavour == "git" else "path"
    name = normalise_path(use.name or "")
    return Resolved(None, source.version, name, canonical_url(source.url), kind, "exact", chart_url_raw=raw)


_DIFFERENCES = {
    "chart": ("chart_name", "chart_url", "chart_kind"),
    "version": ("version",),
}
"""Where two applications of one release must agree for it to be one use of one chart."""


def _common(meanings: list[Resolved], manifest: Manifest, identity: Identity) -> Resolved:
    """What all applications of a resource agree in; where they do not, it is as its document says, or not known."""
    if len(meanings) == 1:
        return meanings[0]
    declared = Resolved(
        identity.key.namespace, manifest.facts.chart.version if manifest.facts.chart else manifest.facts.version
    )
    agreed = {
        field.name: values.pop() if len(values) == 1 else getattr(declared, field.name)
        for field in fields(Resolved)
        for values in ({getattr(each, field.name) for each in meanings},)
    }
    common = Resolved(**agreed)
    if not manifest.facts.is_release:
        return replace(common, resolution="not_applicable", reason=manifest.facts.patch_reason)
    missing = [each.reason or "" for each in meanings if each.resolution == "unresolved"]
    if missing:
        return replace(common, resolution="unresolved", reason=min(missing))
    differ = [name for name, columns in _DIFFERENCES.items() if len({_columns(each, columns) for each in meanings}) > 1]
    if differ:
        reason = f"it is applied {len(meanings)} times, with another {' and '.join(differ)} each"
        return replace(common, resolution="ambiguous", reason=reason)
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
    return replace(chart, resolution="unresolved", reason=reason)
