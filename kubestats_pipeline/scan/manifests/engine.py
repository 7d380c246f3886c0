"""Detection of the GitOps engine of a repository, from its files outside of archives, templates and tests.

There are four sorts of evidence, the strongest first: resources of an engine, Helm templates that make such resources
(as in Argo CD's app-of-apps), files that belong to an engine, and a chart that installs one. The strongest sort that
exists decides, for the engine with the most pieces of it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from kubestats_pipeline.lake.vocabulary import GitOpsEngine
from kubestats_pipeline.scan.facts.path_context import context_of
from kubestats_pipeline.scan.manifests.identity import Identity

NONE: GitOpsEngine = "none"

_FILES: dict[str, GitOpsEngine] = {
    "helmfile.yaml": "helmfile",
    "helmfile.yml": "helmfile",
    "fleet.yaml": "fleet",
    "fleet.yml": "fleet",
}
_CHARTS: dict[str, GitOpsEngine] = {
    "argo-cd": "argocd",
    "argocd-apps": "argocd",
    "flux2": "flux",
    "flux-operator": "flux",
    "flux-instance": "flux",
    "fleet": "fleet",
}
"""Charts that install an engine, and `argocd-apps`, whose values are ApplicationSets."""

_FLUX_1 = ("helm.fluxcd.io", "flux.weave.works")
_ARGO_KINDS = ("Application", "ApplicationSet", "AppProject")
_MAKES_ARGO = re.compile(rb"^kind: *[\"']?(?:Application|ApplicationSet|AppProject)\b", re.MULTILINE)
_MAKES_FLUX = re.compile(rb"^apiVersion: *[\"']?(?:helm|kustomize|source)\.toolkit\.fluxcd\.io/", re.MULTILINE)
_ARGO_GROUP = b"argoproj.io/"


def gitops_engine(
    resources: Mapping[Identity, str | None], paths: Iterable[str], templates: Iterable[bytes | None] = ()
) -> GitOpsEngine:
    """`flux`, `argocd`, `fleet`, `helmfile` or `none`.

    Args:
        resources: the chart that each active resource uses, if it uses one.
        paths: of all files.
        templates: the texts of Helm templates, which are read only if no resource decides.
    """
    names = (path.rpartition("/")[2] for path in paths if context_of(path) == "active")
    found = (
        (engine for identity in resources if (engine := _engine_of(identity))),
        (engine for text in templates if text for engine in _made_by(text)),
        (_FILES[name] for name in names if name in _FILES),
        (_CHARTS[chart] for chart in resources.values() if chart in _CHARTS),
    )
    return next((engine for evidence in found if (engine := _most(evidence))), NONE)


def _most(engines: Iterable[GitOpsEngine]) -> GitOpsEngine | None:
    counted = Counter(engines)
    return min(counted, key=lambda engine: (-counted[engine], engine), default=None)


def _engine_of(identity: Identity) -> GitOpsEngine | None:
    group, kind = identity.key.group, identity.key.kind
    if group.endswith(".toolkit.fluxcd.io") or group in _FLUX_1:
        return "flux"
    if group == "argoproj.io" and kind in _ARGO_KINDS:
        return "argocd"
    return "fleet" if group == "fleet.cattle.io" else None


def _made_by(template: bytes) -> Iterator[GitOpsEngine]:
    """The engines whose resources a template makes."""
    if _ARGO_GROUP in template and _MAKES_ARGO.search(template):
        yield "argocd"
    if _MAKES_FLUX.search(template):
        yield "flux"
