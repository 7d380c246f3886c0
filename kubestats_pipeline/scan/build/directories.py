"""Folders that Argo CD applies without kustomize: the files as they are, or the releases of a chart."""

from collections.abc import Iterator

from kubestats_pipeline.scan.build.incremental import QueryStore, query
from kubestats_pipeline.scan.build.objects import Built, BuiltObject
from kubestats_pipeline.scan.build.sources import Sources
from kubestats_pipeline.scan.build.transformers.resource import RefusedError
from kubestats_pipeline.scan.manifests.embedded import CHART_FILE

_SUFFIXES = (".yaml", ".yml", ".json")


class Directories:
    """Queries for the documents of folders."""

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
        chart = _join(folder, CHART_FILE)
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
            path = _join(folder, name)
            if not is_folder and name.endswith(_SUFFIXES):
                yield path
            elif is_folder and is_recursive:
                yield from self._files(path, is_recursive=True)


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
