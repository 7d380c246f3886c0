"""Standing of releases: what other files of the repository say about a release beyond its chart and namespace.

A chart's dependency may be switched off by the values of that chart, and then it is not released. A release of a
helmfile that Flux has too, under the same name, only brings a cluster up until Flux takes it over: its context is
bootstrap. Both count only outside of archives, templates and tests. The resolver knows neither, because it reads no
values and follows no such names.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.facts.facts import Facts
from kubestats_pipeline.scan.facts.path_context import context_of
from kubestats_pipeline.scan.kinds import flux, helmfile
from kubestats_pipeline.scan.manifests.files import Files
from kubestats_pipeline.scan.manifests.identity import Identity, order_of
from kubestats_pipeline.scan.values.inputs import ValuesInputs

_FLUX_RELEASE = (flux.HELM, "HelmRelease")
_HELMFILE_RELEASE = (helmfile.GROUP, helmfile.RELEASE)


class Standings:
    """The standing of all releases of one repository, from commit to commit.

    Args:
        values_inputs: the inputs of releases, to which a change is told before it is told here.
        files: the files that declare the resources.
    """

    def __init__(self, values_inputs: ValuesInputs, files: Files) -> None:
        self._values_inputs = values_inputs
        self._files = files
        self._resolved: dict[Identity, Resolved] = {}
        self._named: defaultdict[tuple[str, str, str], set[Identity]] = defaultdict(set)

    def judge(
        self, changed: Mapping[Identity, Resolved], removed: Iterable[Identity], touched: Iterable[str]
    ) -> dict[Identity, Resolved]:
        """The changed resolutions with the standing of each resource, and those whose standing alone may have changed.

        Args:
            changed: the resolutions that a change has reached.
            removed: the resources that are gone.
            touched: the files that have changed.
        """
        names = {name for identity in removed if (name := self._forget(identity))}
        names |= {name for identity, resolved in changed.items() if (name := self._note(identity, resolved))}
        affected = self._resolved.keys() & (changed.keys() | self._values_inputs.releases_using(touched))
        affected |= {identity for name in names for identity in self._named.get((*_HELMFILE_RELEASE, name), ())}
        return {**changed, **{identity: self._judged(identity) for identity in sorted(affected, key=order_of)}}

    def _note(self, identity: Identity, resolved: Resolved) -> str | None:
        """Take up a resource, and return its name if it is a HelmRelease that was not known."""
        kind = (identity.key.group, identity.key.kind)
        counts = kind in (_FLUX_RELEASE, _HELMFILE_RELEASE) and context_of(identity.path) == "active"
        if (counts and kind == _HELMFILE_RELEASE) or any(self._facts_of(identity).switches):
            self._resolved[identity] = resolved
        known = self._named[(*kind, identity.key.name)] if counts else None
        if known is None or identity in known:
            return None
        known.add(identity)
        return identity.key.name if kind == _FLUX_RELEASE else None

    def _forget(self, identity: Identity) -> str | None:
        """Drop a resource, and return its name if it was a HelmRelease."""
        self._resolved.pop(identity, None)
        kind = (identity.key.group, identity.key.kind)
        if kind in (_FLUX_RELEASE, _HELMFILE_RELEASE):
            self._named[(*kind, identity.key.name)].discard(identity)
        return identity.key.name if kind == _FLUX_RELEASE else None

    def _facts_of(self, identity: Identity) -> Facts:
        return self._files[identity.path].declared[identity].facts

    def _judged(self, identity: Identity) -> Resolved:
        resolved = self._resolved[identity]
        if self._named.get((*_FLUX_RELEASE, identity.key.name)) and identity.key.kind == helmfile.RELEASE:
            return resolved._replace(context="bootstrap")
        switch = self._values_inputs.switched_off_by(identity, self._facts_of(identity).switches)
        if switch is None:
            return resolved
        return resolved._replace(resolution="not_applicable", reason=f"not released: {switch} in the chart's values")
