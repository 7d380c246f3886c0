"""Folders without a kustomization: what Argo CD applies of them, and the kustomization that Flux generates for them."""

from collections.abc import Callable, Iterator
from itertools import islice

from kubestats_pipeline.scan.build.incremental import QueryStore, query
from kubestats_pipeline.scan.build.kustomization import FILE_NAMES
from kubestats_pipeline.scan.build.objects import Built, BuiltObject
from kubestats_pipeline.scan.build.sources import Sources
from kubestats_pipeline.scan.build.transformers.resource import RefusedError
from kubestats_pipeline.scan.manifests.embedded import CHART_FILE

MOST_FILES = 20_000
"""Files of a folder for which Flux generates a kustomization."""

_SUFFIXES = (".yaml", ".yml", ".json")
_FLUX_SUFFIXES = (".yaml", ".yml")
_SKIPPED_FOLDERS = (".git", ".github")


class Directories:
    """Queries for the documents of folders that Argo CD applies: the files as they are, or the releases of a chart."""

    def __init__(self, sources: Sources, queries: QueryStore) -> None:
        self._sources = sources
        self.queries = queries

    @query
    def of(self, folder: str, is_recursive: bool) -> Built:
        """The documents of a folder: those of its chart, whose templates are not rendered, or else of all of its files.

        Args:
            folder: path from the repository's root, empty for the root.
            is_recursive: true if the files of the folders below count too.
        """
        chart = join(folder, CHART_FILE)
        if self._sources.has_file(chart):
            found = self._sources.objects(chart, with_embedded=True)
            return Built(tuple(BuiltObject(each.content, each.identity) for each in found))
        objects = list[BuiltObject]()
        for path in self._files(folder, is_recursive=is_recursive):
            try:
                objects += (BuiltObject(each.content, each.identity) for each in self._sources.objects(path))
            except RefusedError as error:
                return Built(failure=f"{path}: {error}")
        return Built(tuple(objects))

    def _files(self, folder: str, *, is_recursive: bool) -> Iterator[str]:
        for name, is_folder in self._sources.entries(folder) or ():
            path = join(folder, name)
            if not is_folder and name.endswith(_SUFFIXES):
                yield path
            elif is_folder and is_recursive:
                yield from self._files(path, is_recursive=True)


class GeneratedKustomizations:
    """Queries for the kustomizations that Flux generates for folders without one."""

    def __init__(self, sources: Sources, queries: QueryStore, holds_objects: Callable[[str], bool]) -> None:
        self._sources = sources
        self.queries = queries
        self._holds_objects = holds_objects

    @query
    def has_kustomization(self, folder: str) -> bool:
        """True if a folder has a kustomization of its own."""
        return any(self._sources.has_file(join(folder, name)) for name in FILE_NAMES)

    @query
    def resources(self, folder: str) -> tuple[str, ...]:
        """The entries: all files with objects below, and folders with a kustomization. At most one above the bound."""
        return tuple(islice(self._below(folder, ""), MOST_FILES + 1))

    def _below(self, folder: str, place: str) -> Iterator[str]:
        for name, is_folder in self._sources.entries(join(folder, place)) or ():
            path = join(place, name)
            full = join(folder, path)
            if not is_folder:
                if name.endswith(_FLUX_SUFFIXES) and not name.startswith(".sops.yaml") and self._holds_objects(full):
                    yield path
            elif self.has_kustomization(full):
                yield path
            elif name not in _SKIPPED_FOLDERS:
                yield from self._below(folder, path)


def join(folder: str, name: str) -> str:
    """The path of a name in a folder. Either may be empty."""
    return f"{folder}/{name}" if folder and name else folder or name
