"""kustomize's `images`: new names, tags and digests of the images of containers.

An entry reaches the fields of its field specs, and every `containers` and `initContainers` at any depth of any kind but
a CustomResourceDefinition. Its name is a regular expression. Measured with kustomize 5.7.1.
"""

from collections.abc import Mapping
from typing import Any

from kubestats_pipeline.scan.build.transformers.field_specs import FieldSpec, change_fields
from kubestats_pipeline.scan.build.transformers.patterns import find
from kubestats_pipeline.scan.build.transformers.resource import BuildResource, RefusedError, Resources, change_each

_CONTAINERS = ("containers", "initContainers")


def override_images(resources: Resources, entry: Mapping[str, Any], specs: tuple[FieldSpec, ...]) -> Resources:
    """All resources with one entry of `images` applied.

    Raises:
        RefusedError: an image is a mapping or a list.
    """

    def override(value: Any) -> Any:
        if isinstance(value, dict | list):
            raise RefusedError("an image is not a text")
        return override_image(value, entry) if isinstance(value, str) else value

    def change(resource: BuildResource) -> dict[str, Any]:
        content = resource.content
        if content.get("kind") != "CustomResourceDefinition":
            content = _in_containers(content, override)
        return change_fields(content, resource.id, specs, override, None)

    return change_each(resources, change, "image")


def override_image(image: str, entry: Mapping[str, Any]) -> str:
    """An image after an entry, or as it is if the entry's name does not match it."""
    pattern = f"^{entry.get('name') or ''}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$"
    if not find(pattern, image):
        return image
    name, tag, digest = split_image(image)
    name = entry.get("newName") or name
    new_tag, new_digest = entry.get("newTag") or "", entry.get("digest") or ""
    if new_tag or new_digest:
        tag, digest = new_tag, new_digest
    elif suffix := entry.get("tagSuffix"):
        tag, digest = tag + suffix, ""
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def split_image(image: str) -> tuple[str, str, str]:
    """Name, tag and digest of an image, as kustomize cuts it: a colon before the first slash is a port."""
    slash = max(image.find("/"), 0)
    at, colon = image.find("@", slash), image.find(":", slash)
    if at >= 0 and not 0 <= colon < at:
        return image[:at], "", image[at + 1 :]
    if colon < 0:
        return image, "", ""
    if at >= 0:
        return image[:colon], image[colon + 1 : at], image[at + 1 :]
    return image[:colon], image[colon + 1 :], ""


def _in_containers(node: Any, override: Any) -> Any:
    """A copy of a value with the images of all lists of containers in it changed."""
    if isinstance(node, list):
        items = [_in_containers(item, override) if isinstance(item, dict | list) else item for item in node]
        return items if any(new is not old for new, old in zip(items, node, strict=True)) else node
    changed: dict[str, Any] = {}
    for key, value in node.items():
        if key in _CONTAINERS and isinstance(value, list):
            new = [_with_image(item, override) for item in value]
            if any(one is not other for one, other in zip(new, value, strict=True)):
                changed[key] = new
        elif isinstance(value, dict | list):
            new_value = _in_containers(value, override)
            if new_value is not value:
                changed[key] = new_value
    return {**node, **changed} if changed else node


def _with_image(container: Any, override: Any) -> Any:
    if not isinstance(container, dict) or container.get("image") is None:
        return container
    image = override(container["image"])
    return container if image == container["image"] else {**container, "image": image}
