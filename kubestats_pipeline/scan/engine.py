"""Which GitOps engine a repository is written for, from the resources and files that it holds."""

from collections import Counter
from collections.abc import Iterable

from kubestats_pipeline.scan.identity import Identity

_FILES = {"helmfile.yaml": "helmfile", "helmfile.yml": "helmfile", "fleet.yaml": "fleet", "fleet.yml": "fleet"}


def gitops_engine(resources: Iterable[Identity], paths: Iterable[str]) -> str:
    """`flux`, `argocd`, `fleet`, `helmfile` or `none`: that with most resources, else that whose files are there."""
    engines = Counter(engine for identity in resources if (engine := _engine_of(identity)))
    if engines:
        return min(engines, key=lambda engine: (-engines[engine], engine))
    named = {_FILES[name] for path in paths if (name := path.rpartition("/")[2]) in _FILES}
    return min(named, default="none")


def _engine_of(identity: Identity) -> str | None:
    group, kind = identity.key.group, identity.key.kind
    if group.endswith(".toolkit.fluxcd.io"):
        return "flux"
    if group == "argoproj.io" and kind in ("Application", "ApplicationSet", "AppProject"):
        return "argocd"
    return "fleet" if group == "fleet.cattle.io" else None
