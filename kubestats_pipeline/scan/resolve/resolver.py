"""Resolution of the resources of a repository at one commit: effective namespace, chart, version and images.

Here references are followed. The resolution of a resource is what all of its apply paths have in common. `index.py`
holds the content of the files, and `apply_paths.py` gives the apply paths. Nothing outside the repository is read, and
nothing is guessed: a reference that does not lead to exactly one object is ambiguous or unresolved, with the reason.
After a change, only the resources that it can have reached are resolved again.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kubestats_pipeline.git.command import without_credentials
from kubestats_pipeline.lake.vocabulary import ChartKind, Resolution
from kubestats_pipeline.scan.build.incremental import QueryStore, query
from kubestats_pipeline.scan.documents.budget import Budget, TooComplexError
from kubestats_pipeline.scan.documents.repository_paths import normalise_path
from kubestats_pipeline.scan.facts.charts import Resolved, canonical_url, chart_at, chart_of, exact_chart
from kubestats_pipeline.scan.facts.facts import ChartSource, ChartUse, Facts, Image
from kubestats_pipeline.scan.facts.path_context import context_of
from kubestats_pipeline.scan.kinds.flux import SOURCE
from kubestats_pipeline.scan.kustomize.kustomization import Kustomize
from kubestats_pipeline.scan.manifests.identity import Identity, order_of
from kubestats_pipeline.scan.manifests.manifests import Manifest
from kubestats_pipeline.scan.resolve.apply_paths import LEVELS, ApplyPaths, distinct
from kubestats_pipeline.scan.resolve.include_paths import IncludePaths
from kubestats_pipeline.scan.resolve.index import Declarations
from kubestats_pipeline.scan.resolve.transform import substitute_image
from kubestats_pipeline.scan.resolve.values_from import ValuesFromResolver
from kubestats_pipeline.scan.resolve.variables import ConfigMaps

MAX_HOPS = 3
"""References from a release to its source: through one HelmChart, and one to spare."""

_RESOLUTION = "Resolver._resolution"


class Instance(NamedTuple):
    """A resource as one of its apply paths brings it to the cluster."""

    namespace: str | None
    name: str
    facts: Facts


class Instances(NamedTuple):
    """A resource on all of its apply paths.

    Attributes:
        distinct: the instances that differ.
        by_flux: true if a Flux Kustomization of the repository applies it.
        is_complete: false if it has too many apply paths, or too complex ones.
        too_complex: the part of it that is too large.
    """

    distinct: tuple[Instance, ...]
    by_flux: bool
    is_complete: bool
    too_complex: str | None = None


class _Found(NamedTuple):
    """The instance that a reference leads to, or the reason why it leads to none."""

    instance: Instance | None
    resolution: Resolution = "exact"
    reason: str | None = None


class _Candidate(NamedTuple):
    """An object that a reference may lead to."""

    identity: Identity
    instances: Instances
    instance: Instance

    @property
    def is_active(self) -> bool:
        return context_of(self.identity.path) == "active"


class Resolver:
    """The reference graph of one repository at one commit."""

    def __init__(self) -> None:
        self.queries = QueryStore()
        self._declared = Declarations(self.queries)
        include_paths = IncludePaths(self._declared)
        config_maps = ConfigMaps(self._declared, include_paths)
        self._apply_paths = ApplyPaths(self._declared, include_paths, config_maps)
        self._values = ValuesFromResolver(self._declared, include_paths, config_maps)
        self._last_known: dict[Identity, Resolved] = {}
        self._unresolved: set[Identity] = set()

    def replace_file(
        self, path: str, declared: Mapping[Identity, Manifest], last_known: Mapping[Identity, Resolved]
    ) -> None:
        """Replace the resources of a file.

        Args:
            path: path of the file.
            declared: all resources of the file, or empty if it is gone.
            last_known: the last known resolutions of those whose documents cannot be read now. They stay as they are.
        """
        before = self._declared.identities(path)
        self._unresolved |= self._declared.replace_file(path, declared)
        for identity in before:
            if self._last_known.pop(identity, None) is not None:
                self._unresolved.add(identity)
            if identity not in declared:
                self.queries.forget((_RESOLUTION, identity))
                self._apply_paths.forget(identity)
        self._last_known |= last_known
        self._unresolved |= last_known.keys()

    def replace_kustomization(self, folder: str, kustomize: Kustomize | None) -> None:
        """Replace the kustomization of a folder, with None if it has none."""
        self._declared.replace_kustomization(folder, kustomize)

    def resolve_changed(self) -> dict[Identity, Resolved]:
        """Resolve the resources that a change since the last call can have reached.

        Returns:
            The resolution of each resource whose document or resolution has changed, in the order of identities.
        """
        invalidated: dict[Identity, Resolved] = {
            key[1]: former  # type: ignore[misc]  # the argument of this query is an identity
            for key, former in self.queries.take_invalidated(_RESOLUTION).items()
        }
        changed: dict[Identity, Resolved] = {}
        for identity in sorted({*invalidated, *self._unresolved}, key=order_of):
            if identity in self._declared:
                resolution = self._resolution(identity)
                if identity in self._unresolved or resolution != invalidated.get(identity):
                    changed[identity] = self._last_known.get(identity) or resolution
        self._unresolved.clear()
        return changed

    def effective_images(self, identity: Identity, images: tuple[Image, ...]) -> tuple[Image, ...]:
        """Images of a release's values with their variables substituted, or as written if its apply paths differ."""
        if not any("$" in (image.raw or image.image) for image in images):
            return images
        budget, found = Budget(), set[tuple[Image, ...]]()
        try:
            for apply_path in self._apply_paths.of(identity.path, None, LEVELS).paths:
                variables = dict(apply_path.variables or ())
                found.add(
                    tuple(substitute_image(image, variables, budget) for image in images) if variables else images
                )
        except TooComplexError:
            return images
        return found.pop() if len(found) == 1 else images

    @query
    def _resolution(self, identity: Identity) -> Resolved:
        facts = self._declared.facts(identity)
        if reason := self._patch_reason(identity, facts):
            return Resolved(identity.key.namespace, facts.version, reason=reason)
        instances = self._find_instances(identity, facts)
        resolutions = [self._resolve(identity, facts, instance) for instance in instances.distinct]
        if facts.is_release and not instances.is_complete:
            reason = instances.too_complex or "it is applied too many times"
            resolutions = [resolution._replace(resolution="ambiguous", reason=reason) for resolution in resolutions]
        return _common(resolutions, facts, identity)._replace(too_complex=instances.too_complex)

    def _patch_reason(self, identity: Identity, facts: Facts) -> str | None:
        """The reason why a document that looks like a release is a patch of one."""
        if facts.patch_reason is not None or not facts.is_release:
            return facts.patch_reason
        patchers = self._declared.patchers(identity.path)
        if not patchers or self._declared.includers(identity.path):
            return None
        return f"a patch of a release in another file: {patchers[0]}/kustomization.yaml lists it as one"

    @query
    def _instances(self, identity: Identity) -> Instances:
        """The instances of a resource that others refer to. For all other resources, a memo would only take memory."""
        return self._find_instances(identity, self._declared.facts(identity))

    def _find_instances(self, identity: Identity, facts: Facts) -> Instances:
        is_applier = facts.flux_path is not None
        applied = self._apply_paths.of(identity.path, identity if is_applier else None, LEVELS - is_applier)
        rendered = self._apply_paths.render(identity, facts, applied)
        found = [Instance(resource.namespace, resource.name, resource.facts) for resource in rendered.resources]
        is_complete = applied.is_complete and not rendered.is_left
        return Instances(distinct(found), applied.by_flux, is_complete, rendered.too_complex)

    def _resolve(self, identity: Identity, declared: Facts, instance: Instance) -> Resolved:
        namespace, _, facts = instance
        images = facts.images if facts.images != declared.images else None
        app_name = facts.app_name if facts.app_name != declared.app_name else None
        if facts.chart is None:
            known = Resolved(namespace, facts.version, reason=facts.patch_reason, images=images, app_name=app_name)
            return known._replace(version_tag=facts.version_tag)
        if not facts.is_release:
            known = Resolved(namespace, facts.chart.version, images=images, app_name=app_name)
            return (
                known._replace(chart_kind="path", chart_name=facts.chart.name) if facts.chart.kind == "path" else known
            )
        chart = _if_known(self._chart(facts.chart, namespace, MAX_HOPS))
        inputs = self._values.of(identity, namespace, facts.values_from)
        return chart._replace(namespace=namespace, images=images, app_name=app_name, values_inputs=inputs)

    def _chart(self, use: ChartUse, namespace: str | None, hops: int) -> Resolved:
        """The chart behind a use in an object of `namespace`."""
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
        if use.reference is None or chart is None or not hops:  # a chart is not a source of charts
            return unresolved._replace(reason="its source is a chart")
        return self._chart(chart, found.instance.namespace, hops - 1)

    @query
    def _find(self, kind: str, name: str, namespace: str | None) -> _Found:
        """The one object that a reference leads to. A namespace of None is an unknown one."""
        label = f"{kind} {name}"
        named = [
            _Candidate(identity, instances, instance)
            for identity in self._declared.named(SOURCE, kind, name)
            for instances in (self._instances(identity),)
            for instance in instances.distinct
            if instance.name == name
        ]
        if not named:
            if "$" in name:
                return _Found(
                    None, "unresolved", f"{label} has a variable in its name whose value is not in the repository"
                )
            return _Found(None, "unresolved", f"{label} is not in the repository")
        matching = [candidate for candidate in named if candidate.instance.namespace == namespace]
        if not matching and namespace is not None:
            matching = [candidate for candidate in named if candidate.instance.namespace is None]
        if not matching:
            place = namespace or "of the release, which is not known"
            return _Found(None, "unresolved", f"{label} is not in namespace {place}")
        # Of several objects, those that are really applied count, then those outside of archives and tests.
        matching = [candidate for candidate in matching if candidate.instances.by_flux] or matching
        matching = [candidate for candidate in matching if candidate.is_active] or matching
        if len({(candidate.instance.facts.source, candidate.instance.facts.chart) for candidate in matching}) > 1:
            return _Found(None, "ambiguous", f"{label} is declared {len(matching)} times with different content")
        return _Found(matching[0].instance)


def _chart_of_source(use: ChartUse, source: ChartSource) -> Resolved:
    """The chart `use.name` of a source, or the source itself if it is a single chart."""
    raw = without_credentials(source.url)
    if source.flavour == "oci_registry":
        return chart_at(f"{source.url.rstrip('/')}/{use.name}", use.name or "", use.version)
    if source.flavour == "helm":
        return exact_chart("helm", canonical_url(source.url), use.name, use.version, raw)
    if source.flavour == "oci":
        return chart_at(source.url, "", source.version)._replace(version_tag=source.tag)
    kind: ChartKind = "git" if source.flavour == "git" else "path"
    return exact_chart(kind, canonical_url(source.url), normalise_path(use.name or ""), source.version, raw)


_DIFFERENCES = {
    "chart": ("chart_name", "chart_url", "chart_kind"),
    "version": ("version",),
}
"""The fields of a resolution in which two apply paths of a release must agree, so that it is one use of one chart."""


def _common(resolutions: list[Resolved], facts: Facts, identity: Identity) -> Resolved:
    """The fields in which all resolutions of a resource agree. The others are as in its document, or unknown."""
    if len(resolutions) == 1:
        return resolutions[0]
    declared = Resolved(identity.key.namespace, facts.chart.version if facts.chart else facts.version)
    found = [{resolution[column] for resolution in resolutions} for column in range(len(declared))]
    common = Resolved._make(each.pop() if len(each) == 1 else own for own, each in zip(declared, found, strict=True))
    if not facts.is_release:
        return common._replace(resolution="not_applicable", reason=facts.patch_reason)
    missing = [resolved.reason or "" for resolved in resolutions if resolved.resolution == "unresolved"]
    if missing:
        return common._replace(resolution="unresolved", reason=min(missing))
    differ = [
        name
        for name, fields in _DIFFERENCES.items()
        if len({_fields_of(resolved, fields) for resolved in resolutions}) > 1
    ]
    if differ:
        reason = f"it is applied {len(resolutions)} times, with another {' and '.join(differ)} each"
        return common._replace(resolution="ambiguous", reason=reason)
    return common


def _fields_of(resolution: Resolved, names: Iterable[str]) -> tuple[object, ...]:
    return tuple(getattr(resolution, name) for name in names)


def _if_known(chart: Resolved) -> Resolved:
    """The chart, unresolved if a variable is left in it, because its value is not in the repository."""
    parts = {"name": chart.chart_name, "place": chart.chart_url, "version": chart.version}
    hidden = [name for name, text in parts.items() if text and "${" in text]
    if chart.resolution != "exact" or not hidden:
        return chart
    reason = f"its {' and '.join(hidden)} has a variable whose value is not in the repository"
    return chart._replace(resolution="unresolved", reason=reason)
