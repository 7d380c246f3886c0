"""What is remembered from commit to commit of who applies what is what a look at the last commit alone would find."""

import random

from kubestats_pipeline.scan.build.incremental import QueryStore
from kubestats_pipeline.scan.build.sources import RepositorySources
from kubestats_pipeline.scan.clusters.appliers.applications import Applications
from kubestats_pipeline.scan.clusters.appliers.own_urls import OwnUrls
from kubestats_pipeline.scan.clusters.declared_appliers import DeclaredAppliers
from kubestats_pipeline.scan.clusters.documents import DeclaredDocuments
from kubestats_pipeline.scan.clusters.places import Places
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.kustomize.kustomization import Kustomize
from kubestats_pipeline.scan.manifests.files import ContentCache, Files, declare
from kubestats_pipeline.scan.manifests.manifests import read_file

FOLDERS = ("", "a", "a/b", "a/b/c", "a/d", "e", "e/f")
FILES = tuple(f"{folder}/{name}.yaml".lstrip("/") for folder in FOLDERS for name in ("ks", "app"))
KUSTOMIZATION = """
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: {name}, namespace: flux-system}}
spec: {{path: ./{path}, sourceRef: {{kind: GitRepository, name: source}}}}
"""


def test_what_is_remembered_is_what_a_new_look_finds() -> None:
    for seed in range(40):
        pick = random.Random(seed)
        documents = DeclaredDocuments()
        remembering = appliers_of(documents)
        for _ in range(25):
            for _ in range(pick.randint(1, 3)):
                change(documents, pick)
            remembering.look()
            fresh = appliers_of(documents)
            fresh.look()
            assert answers(remembering) == answers(fresh), seed


def change(documents: DeclaredDocuments, pick: random.Random) -> None:
    """Write a kustomization or an applier anew, or remove it."""
    folder, is_gone = pick.choice(FOLDERS), pick.random() < 0.25
    if pick.random() < 0.6:
        entries = tuple(pick.sample([*FILES, *(each for each in FOLDERS if each)], pick.randint(0, 4)))
        named = Kustomize(tuple(f"/{entry}" for entry in entries))
        documents.replace_kustomization(f"{folder}/kustomization.yaml".lstrip("/"), None if is_gone else named)
        return
    path = f"{folder}/ks.yaml".lstrip("/")
    text = KUSTOMIZATION.format(name=pick.choice("xyz"), path=pick.choice(FOLDERS))
    manifests = () if is_gone else read_file(text.encode(), "", Bounds()).manifests
    documents.replace_file(path, declare(path, manifests))


def answers(appliers: DeclaredAppliers) -> tuple[object, ...]:
    """All that is asked of appliers when roots are chosen."""
    every = sorted(appliers.all(), key=repr)
    tops = {path: appliers.tops(path) for path in FILES}
    above = {each: appliers.above(each.path) for each in every}
    itself = {each: (appliers.folders(each), appliers.applies_itself(each)) for each in every}
    return every, tops, above, itself, appliers.applied(every), appliers.paths_by_place()


def appliers_of(documents: DeclaredDocuments) -> DeclaredAppliers:
    """Appliers that nobody has looked at."""
    cache, queries = ContentCache(lambda _: None, Bounds()), QueryStore()
    applications = Applications(RepositorySources(Files(cache), cache, queries), queries)
    return DeclaredAppliers(documents, Places(documents, OwnUrls(None)), applications)
