"""A repository of a fleet of any size: many clusters that run the same apps, each environment with patches of its own.

Its shape is that of companies' fleets. Every team has one Flux Kustomization that all clusters share, with variables in
its path. Every cluster gives variables and patches to all Flux Kustomizations by one patch. The overlay of an
environment takes in the team's base and patches its releases. A commit edits a release and the patches of several
environments, so that it reaches many clusters. The same size gives the same commits. `fleet.py` measures on it.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kubestats_pipeline.git import command as git

ENVIRONMENTS = ("sbox", "ptlsbox", "ptl", "demo", "dev", "ithc", "stg", "prod")
SEED = 11
FIRST_COMMIT_AT, SECONDS_BETWEEN = 1_700_000_000, 1_800
IMPORT_SECONDS = 600
CLUSTER_PATH_EVERY = 2
"""One team in so many has an overlay for each cluster, and not only for each environment."""

_OVERLAYS, _CLUSTERS, _CHARTS = 0.05, 0.01, 0.15
"""Shares of the commits that edit an overlay's list of patches, a cluster's variables, and a chart's version. All
others edit images.
"""


@dataclass(frozen=True)
class FleetSize:
    """The numbers of a fleet.

    Attributes:
        environments: at most as many as `ENVIRONMENTS`.
        clusters_each: clusters of an environment.
        apps_each: apps of a team.
        commits: all commits, the first one with all files.
    """

    environments: int
    clusters_each: int
    teams: int
    apps_each: int
    commits: int

    @property
    def clusters(self) -> int:
        """Clusters of all environments."""
        return self.environments * self.clusters_each

    @property
    def apps(self) -> int:
        """Apps of all teams."""
        return self.teams * self.apps_each


def make_fleet(folder: Path, size: FleetSize) -> Path:
    """Make the bare repository `folder/made/fleet.git` and return its path.

    Raises:
        GitError: git is not installed, or the folder cannot be written.
    """
    path = folder / "made" / "fleet.git"
    path.parent.mkdir(parents=True)
    git.run(["init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(path)])
    git.run(["config", "uploadpack.allowFilter", "true"], directory=path)
    stream = b"".join(_stream(Fleet(size)))
    git.run(["fast-import", "--quiet"], directory=path, stdin=stream, timeout=IMPORT_SECONDS)
    return path


def _stream(fleet: "Fleet") -> Iterator[bytes]:
    """The history as `git fast-import` reads it, closed by `done` so that git notices a stream cut short."""
    yield b"feature done\n"
    yield _commit(0, fleet.files())
    draw = random.Random(SEED)  # noqa: S311 - no secret
    for number in range(1, fleet.size.commits):
        yield _commit(number, fleet.edit(draw))
    yield b"done\n"


def _commit(number: int, files: Mapping[str, str]) -> bytes:
    at = FIRST_COMMIT_AT + number * SECONDS_BETWEEN
    who = f"Team {number % 9} <team{number % 9}@example.org> {at} +0000"
    head = f"commit refs/heads/main\ncommitter {who}\n{_data(f'Change {number}')}"
    return (head + "".join(f"M 644 inline {path}\n{_data(text)}" for path, text in files.items())).encode()


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"


class Fleet:
    """The files of a fleet, and edits of them. The content of a file follows from the number of its edits."""

    def __init__(self, size: FleetSize) -> None:
        self.size = size
        self._environments = ENVIRONMENTS[: size.environments]
        self._clusters = [f"{number:02}" for number in range(size.clusters_each)]
        self._teams = {
            f"team{team}": [f"team{team}-app{app}" for app in range(size.apps_each)] for team in range(size.teams)
        }
        self._edits = Counter[str]()

    def files(self) -> dict[str, str]:
        """All files, in a fixed order."""
        files = {"apps/flux-system/base/kustomization.yaml": _KUSTOMIZATION + "resources:\n- charts.yaml\n"}
        files |= {"apps/flux-system/base/charts.yaml": _CHARTS_SOURCE}
        for team, apps in self._teams.items():
            files |= self._base(team, apps)
            for app in apps:
                files |= self._release(team, app)
                for environment in self._environments:
                    files |= self._patch(team, app, environment)
            for environment in self._environments:
                files |= self._overlay(team, environment)
        for environment in self._environments:
            for cluster in self._clusters:
                files |= self._cluster(environment, cluster) | self._cluster_patch(environment, cluster)
        return files

    def edit(self, draw: random.Random) -> dict[str, str]:
        """Edit a few files, and give their new content."""
        chance = draw.random()
        team = draw.choice([*self._teams])
        app = draw.choice(self._teams[team])
        environments = draw.sample(self._environments, k=min(draw.randint(2, 4), len(self._environments)))
        if chance < _CLUSTERS:
            return self._cluster_patch(environments[0], draw.choice(self._clusters))
        if chance < _CLUSTERS + _OVERLAYS:
            return self._overlay(team, environments[0])
        files = self._release(team, app, with_chart=chance > 1 - _CHARTS)
        for environment in environments:
            files |= self._patch(team, app, environment)
        return files

    def _base(self, team: str, apps: Sequence[str]) -> dict[str, str]:
        folder = f"apps/{team}/base"
        return {
            f"{folder}/namespace.yaml": f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {team}\n",
            f"{folder}/kustomization.yaml": _KUSTOMIZATION
            + f"namespace: {team}\nresources:\n- namespace.yaml\n"
            + "".join(f"- ../{app}/{app}.yaml\n- ../{app}/image-policy.yaml\n" for app in apps),
            f"{folder}/kustomize.yaml": _APPLIER.format(name=team, path=f"./apps/{team}/{self._place_of(team)}"),
        }

    def _place_of(self, team: str) -> str:
        return "${ENVIRONMENT}/${CLUSTER}" if self._is_for_each_cluster(team) else "${ENVIRONMENT}"

    def _is_for_each_cluster(self, team: str) -> bool:
        return not int(team.removeprefix("team")) % CLUSTER_PATH_EVERY

    def _release(self, team: str, app: str, *, with_chart: bool = False) -> dict[str, str]:
        folder = f"apps/{team}/{app}"
        edits = self._count(f"{folder}/{app}.yaml")
        charts = self._count(f"{folder}/chart") if with_chart else self._edits[f"{folder}/chart"]
        values = {"team": team, "app": app, "tag": f"prod-{edits:07x}-{20260101 + edits % 28}"}
        release = _RELEASE.format(version=f"1.{charts // 9}.{charts % 9}", **values)
        return {f"{folder}/{app}.yaml": release, f"{folder}/image-policy.yaml": _IMAGE_POLICY.format(**values)}

    def _patch(self, team: str, app: str, environment: str) -> dict[str, str]:
        path = f"apps/{team}/{app}/{environment}.yaml"
        edits = self._count(path)
        tag = f"pr-{edits:07x}-{20260101 + edits % 28}"
        return {path: _PATCH.format(team=team, app=app, environment=environment, tag=tag, replicas=1 + edits % 5)}

    def _overlay(self, team: str, environment: str) -> dict[str, str]:
        """The overlay of an environment, with that of each cluster where the team has them.

        Each edit leaves out the patch of another app.
        """
        above = f"apps/{team}/{environment}"
        folder, up = (f"{above}/base", "../..") if self._is_for_each_cluster(team) else (above, "..")
        edits = self._count(folder)
        apps = [app for number, app in enumerate(self._teams[team]) if number != edits % (len(self._teams[team]) + 1)]
        patches = "".join(f"- path: {up}/{app}/{environment}.yaml\n" for app in apps)
        base = f"namespace: {team}\nresources:\n- {up}/base\n" + (f"patches:\n{patches}" if patches else "")
        files = {f"{folder}/kustomization.yaml": _KUSTOMIZATION + base}
        if folder != above:
            takes_base = f"{_KUSTOMIZATION}namespace: {team}\nresources:\n- ../base\n"
            files |= {f"{above}/{cluster}/kustomization.yaml": takes_base for cluster in self._clusters}
        return files

    def _cluster(self, environment: str, cluster: str) -> dict[str, str]:
        folder = f"clusters/{environment}/{cluster}"
        teams = "".join(f"- ../../../../apps/{team}/base/kustomize.yaml\n" for team in self._teams)
        root = "resources:\n- flux-system\n- base\npatches:\n- path: kustomizations.yaml\n  target:\n"
        return {
            f"{folder}/kustomization.yaml": f"{_KUSTOMIZATION}{root}    kind: Kustomization\n",
            f"{folder}/base/kustomization.yaml": f"{_KUSTOMIZATION}resources:\n{teams}",
            f"{folder}/flux-system/kustomization.yaml": f"{_KUSTOMIZATION}{_FLUX_SYSTEM}",
            f"{folder}/flux-system/gotk-sync.yaml": _APPLIER.format(name="flux-system", path=f"./{folder}"),
        }

    def _cluster_patch(self, environment: str, cluster: str) -> dict[str, str]:
        path = f"clusters/{environment}/{cluster}/kustomizations.yaml"
        return {path: _FOR_ALL.format(environment=environment, cluster=cluster, replicas=self._count(path))}

    def _count(self, what: str) -> int:
        """The number of an edit, beginning with 0 for the first content."""
        self._edits[what] += 1
        return self._edits[what] - 1


_KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
_FLUX_SYSTEM = "resources:\n- gotk-sync.yaml\n- ../../../../apps/flux-system/base\n"

_CHARTS_SOURCE = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata:
  name: charts
  namespace: flux-system
spec:
  interval: 1h
  url: https://charts.example.org
"""

_APPLIER = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: {name}
  namespace: flux-system
spec:
  interval: 10m
  path: {path}
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
"""

_FOR_ALL = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: all
spec:
  postBuild:
    substitute:
      ENVIRONMENT: {environment}
      CLUSTER: "{cluster}"
      CLUSTER_NAME: {environment}-{cluster}
      REVISION: "{replicas}"
  patches:
  - target:
      kind: HelmRelease
    patch: |-
      apiVersion: helm.toolkit.fluxcd.io/v2
      kind: HelmRelease
      metadata:
        name: all
      spec:
        interval: 15m
        values:
          global:
            environment: {environment}
            revision: "{replicas}"
"""

_RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: {app}
spec:
  interval: 5m
  releaseName: {app}
  chart:
    spec:
      chart: {app}
      version: {version}
      sourceRef:
        kind: HelmRepository
        name: charts
        namespace: flux-system
  values:
    java:
      image: registry.example.org/{team}/{app}:{tag} # {{"$imagepolicy": "flux-system:{app}"}}
      ingressHost: {app}-${{ENVIRONMENT}}.example.org
      disableTraefikTls: false
      memoryRequests: 512Mi
      memoryLimits: 1024Mi
      environment:
        IDAM_API_URL: https://idam-api.${{ENVIRONMENT}}.example.org
        CLUSTER_NAME: ${{CLUSTER_NAME}}
        LOG_LEVEL: INFO
    autoscaling:
      enabled: true
      maxReplicas: 4
"""

_IMAGE_POLICY = """\
apiVersion: image.toolkit.fluxcd.io/v1beta2
kind: ImagePolicy
metadata:
  name: {app}
spec:
  imageRepositoryRef:
    name: {app}
  filterTags:
    pattern: ^prod-[a-f0-9]+-(?P<ts>[0-9]+)
    extract: $ts
  policy:
    alphabetical:
      order: asc
"""

_PATCH = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: {app}
  namespace: {team}
spec:
  values:
    java:
      replicas: {replicas}
      image: registry.example.org/{team}/{app}:{tag}
      ingressHost: {app}.{environment}.example.org
      environment:
        LOG_LEVEL: DEBUG
"""
