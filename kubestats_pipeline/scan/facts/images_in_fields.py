"""Container images in the fields of kinds that no scanner knows: each `image` that is a reference with tag or digest.

Operators name their images in fields of their own, most of them `image`. Its value is one text, or a mapping such as
`{repository, tag}` or `{reference}`. On real repositories every such text with a tag or digest was a container image.
"""

from typing import Any

from kubestats_pipeline.lake.vocabulary import ImageRole
from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.facts import Image
from kubestats_pipeline.scan.facts.images import compose_image, is_reference, parse_image
from kubestats_pipeline.scan.facts.images_in_values import role_below

_NOT_ITS_OWN = ("metadata", "status")


def images_in_fields(document: Decoded, resource: dict[str, Any]) -> tuple[Image, ...]:
    """The images in all fields of a resource but its metadata and status, without repetitions, the main ones first."""
    found: list[Image] = []
    for key, value in resource.items():
        if key not in _NOT_ITS_OWN and isinstance(value, dict | list):
            _add_images(found, document, value, "main")
    roles = ("main", "init", "sidecar")
    return tuple(sorted(dict.fromkeys(found), key=lambda image: roles.index(image.role)))


def images_of_volumes(document: Decoded, volumes: object) -> tuple[Image, ...]:
    """The images that a pod mounts as volumes: `volumes[].image.reference`."""
    found: list[Image] = []
    for volume in volumes if isinstance(volumes, list) else ():
        source = volume.get("image") if isinstance(volume, dict) else None
        if isinstance(source, dict) and (image := _image(document, source, "sidecar")):
            found.append(image)
    return tuple(found)


def _add_images(found: list[Image], document: Decoded, value: dict[str, Any] | list[Any], role: ImageRole) -> None:
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                _add_images(found, document, item, role)
        return
    for key, item in value.items():
        if key == "image" and (image := _image(document, item, _role(value, role))):
            found.append(image)
        elif isinstance(item, dict | list) and item:
            _add_images(found, document, item, role_below(key, role))


def _role(container: dict[str, Any], role: ImageRole) -> ImageRole:
    """An init container that restarts always is a sidecar."""
    return "sidecar" if role == "init" and container.get("restartPolicy") == "Always" else role


def _image(document: Decoded, value: object, role: ImageRole) -> Image | None:
    """The image of a field, if it has a tag or digest, for without one a text may be anything."""
    image = None
    if isinstance(value, str):
        text = value.strip()
        image = parse_image(text, role) if is_reference(text) else None
    elif isinstance(value, dict):
        is_mounted = "reference" in value  # the source of an image volume, whose content another image uses
        image = compose_image(document, value, "sidecar" if is_mounted else role)
    if image is None or not (image.tag or image.digest):
        return None
    name = (image.raw or "").partition(":")[0]
    return image if any(map(str.isalpha, name)) else None  # `4:3` is a proportion
