"""The Helm values of each release in each cluster: those of its built object over those that are supplied there.

Most releases have one application, whose values are those of their document. Then nothing is merged a second time.
Numbers are as the cluster gets them, so that an unquoted `tag: 1.10` is 1.1.
"""

from collections.abc import Iterable
from dataclasses import replace

import orjson

from kubestats_pipeline.redaction.redact import redact
from kubestats_pipeline.scan.clusters.applied import AppliedKey, AppliedObject
from kubestats_pipeline.scan.clusters.appliers.nodes import ClusterObject
from kubestats_pipeline.scan.clusters.clusters import Clusters
from kubestats_pipeline.scan.documents.number_spelling import value_at
from kubestats_pipeline.scan.manifests.manifests import Manifest
from kubestats_pipeline.scan.values.inputs import ValuesInputs
from kubestats_pipeline.scan.values.merge import Values, ValuesTree, images_in_tree, layers_of, merge_layers
from kubestats_pipeline.scan.values.post_renderers import post_rendered


class ApplicationValues:
    """The values of all releases that the clusters of one repository run, from commit to commit.

    Args:
        clusters: the clusters.
        inputs: the inputs of releases in other files.
    """

    def __init__(self, clusters: Clusters, inputs: ValuesInputs) -> None:
        self.clusters = clusters
        self._inputs = inputs
        self._outer: dict[AppliedKey, Values] = {}

    def take_applied(self, touched: Iterable[str]) -> dict[AppliedKey, AppliedObject | None]:
        """The objects that changed, with those whose values files did, and record their inputs.

        Args:
            touched: the files that a commit changes.
        """
        self.clusters.tell_again(self._inputs.applications_using(touched))
        told = self.clusters.take_applied()
        for key, applied in told.items():
            application = self.clusters.application(key) if applied is not None else None
            if application is None:
                self._inputs.forget(key)
                self._outer.pop(key, None)
            else:
                self._inputs.set_application(key, application)
        return told

    def with_images(
        self, key: AppliedKey, applied: AppliedObject, manifest: Manifest | None, values: Values | None
    ) -> AppliedObject:
        """An object with the images of its values, incomplete where not all of them are known.

        Args:
            key: of the object.
            applied: the object, with the images that it names itself.
            manifest: of the document that it began as, or None.
            values: of that document, from other files.
        """
        application = self.clusters.application(key)
        if application is None or not application.made.facts.is_release:
            return applied
        made, outer, images = application.made, self._read_outer(key, values), applied.resolved.images or ()
        layers = outer.layers if outer else ()
        if (
            layers
            and values is not None
            and values.images is not None
            and _is_as_written(made, outer, manifest, values)
        ):
            images = values.images
        elif layers:
            images = images_in_tree(_merged(made, outer), made.facts.app_name)
        is_known = all(layer is not None and layer.is_complete for layer in layers)
        is_known = is_known and _are_known(made)
        resolved = applied.resolved._replace(images=post_rendered(images, made.content))
        return applied._replace(resolved=resolved, is_complete=applied.is_complete and is_known)

    def read(self, key: AppliedKey, manifest: Manifest, values: Values | None) -> ValuesTree | None:
        """The values of a release in a cluster, as they were when its images were looked for.

        None where they are those of its document, and where the object cannot be built at this commit.
        """
        application = self.clusters.application(key)
        outer = self._outer.get(key)
        if application is None:
            return None
        parts = (application.made.facts.values, manifest.facts.values, outer, values)
        if not any(parts) or _is_as_written(application.made, outer, manifest, values):
            return None
        return _merged(application.made, outer)

    def _read_outer(self, key: AppliedKey, written: Values | None) -> Values | None:
        """The values from elsewhere, kept for `read`, because the mirror is closed when rows are made.

        Most releases have those of their document, and share them.
        """
        self._outer.pop(key, None)
        outer = self._inputs.read(key)
        if outer is not None:
            self._outer[key] = written if written is not None and written.layers == outer.layers else outer
        return outer


def _merged(made: ClusterObject, outer: Values | None) -> ValuesTree:
    """The values of an object over those from elsewhere. It is redacted again, because variables were put into it."""
    layers = layers_of(redact(made.content), made.facts.values, outer)
    return merge_layers(layer and replace(layer, numbers={}) for layer in layers)[0]


def _are_known(made: ClusterObject) -> bool:
    """True if all values are known that an object holds itself."""
    parts = [part for part in made.facts.values if part.kind not in ("map", "file")]
    layers = layers_of(made.content, parts, None)
    return all(layer is not None and layer.is_complete for layer in layers)


def _is_as_written(made: ClusterObject, outer: Values | None, manifest: Manifest | None, values: Values | None) -> bool:
    """True if the values of an object are those of its document, whose numbers are spelled as the cluster gets them."""
    if manifest is None or manifest.numbers or made.facts.app_name != manifest.facts.app_name:
        return False
    own, written = (each.layers if each is not None else () for each in (outer, values))
    if own != written or any(layer is not None and layer.numbers for layer in own):
        return False
    parts = made.facts.values
    if parts != manifest.facts.values:
        return False
    document = orjson.loads(manifest.data) if made.data != manifest.data else made.content
    return all(value_at(made.content, part.place) == value_at(document, part.place) for part in parts)
