"""Builds folders as kustomize does. Every build is a query, so that a change reaches only the builds that read it."""

from kubestats_pipeline.scan.build.objects import Built


class Builds:
    """Queries for the builds of folders."""

    def of(self, folder: str, more: bytes = b"{}") -> Built:
        """The objects of a folder.

        Args:
            folder: path from the repository's root, empty for the root.
            more: canonical JSON of fields of a kustomization that are added to the folder's own one, as Flux's
                kustomize-controller adds them: scalars replace, lists are appended.
        """
        raise NotImplementedError
