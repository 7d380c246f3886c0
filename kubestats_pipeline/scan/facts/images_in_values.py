"""Container images in Helm values: every `image` of the shapes that charts have in common.

`repository` also names git and restic repositories, and `image` also names pictures. So a value counts only if the keys
beside it or the key above it show that it is an image. `images.py` parses references. The result does not depend on the
order of keys.
"""

import functools
from typing import Any, Final

from kubestats_pipeline.lake.vocabulary import ImageRole
from kubestats_pipeline.scan.documents.document import Bounds, Decoded, DecodeError
from kubestats_pipeline.scan.documents.stream import decode_stream
from kubestats_pipeline.scan.facts.facts import Image
from kubestats_pipeline.scan.facts.helm_set import with_settings
from kubestats_pipeline.scan.facts.images import compose_image, is_reference, names_host, parse_image

MAIN: Final = "main"
INIT: Final = "init"
SIDECAR: Final = "sidecar"
_ROLES = (MAIN, INIT, SIDECAR)

_INIT_KEYS = frozenset({"initcontainers", "initcontainer", "extrainitcontainers", "init"})
_SIDECAR_KEYS = frozenset(
    {
        "sidecars",
        "sidecar",
        "sidecarcontainers",
        "extracontainers",
        "additionalcontainers",
        "ephemeralcontainers",
        "addons",
    }
)
_IMAGE_KEYS = ("image", "imagename", "imagerepository")
_PARTS = frozenset({"repository", "reference", "repo"})
_NEIGHBOURS = ("tag", "digest", "sha", "pullPolicy", "imagePullPolicy")
_CONTAINER_KEYS = frozenset(
    {"command", "args", "env", "envFrom", "ports", "resources", "volumeMounts", "securityContext"}
)
_MAIN_CONTAINERS = ("app", "main")


def images_in_values(
    document: Decoded, values: object, release_name: str | None, parameters: object = None
) -> tuple[Image, ...]:
    """The images in values, without repetitions: the main ones, then those of init containers and sidecars.

    Args:
        document: the document of the values, for tags as written.
        values: of one release, of any shape.
        release_name: the name that the main controller of an app-template may have.
        parameters: single settings over the values, as `helm --set` takes them.
    """
    if parameters:
        values = with_settings(values, parameters)
    if not isinstance(values, dict):
        return ()
    controllers = values.get("controllers")
    found: list[Image] = []
    if isinstance(controllers, dict) and _is_app_template(controllers):
        _add_controllers(found, document, controllers, release_name)
        values = {key: value for key, value in values.items() if key != "controllers"}
    _add_images(found, document, values, "", MAIN)
    return tuple(sorted(dict.fromkeys(found), key=_order))


def images_in_text(text: object, release_name: str | None, parameters: object = None) -> tuple[Image, ...]:
    """The images in values that are YAML in a string, with single settings over them. None if that cannot be read."""
    try:
        found = next(decode_stream(text.encode("utf-8", "replace"), Bounds()), None) if isinstance(text, str) else None
    except DecodeError:
        return ()
    document = found or Decoded(None, 1)
    return images_in_values(document, document.content, release_name, parameters)


def _is_app_template(controllers: dict[str, Any]) -> bool:
    return any(isinstance(item, dict) and isinstance(item.get("containers"), dict) for item in controllers.values())


def _add_controllers(
    found: list[Image], document: Decoded, controllers: dict[str, Any], release_name: str | None
) -> None:
    """Add the images of a bjw-s app-template: one container of one controller is main, the others are sidecars."""
    main = _chosen(controllers, (release_name, "main"))
    for name, controller in controllers.items():
        if not isinstance(controller, dict):
            continue
        containers = controller.get("containers")
        first = _chosen(containers, (*_MAIN_CONTAINERS, name, release_name)) if isinstance(containers, dict) else None
        for key, value in controller.items():
            if key != "containers" or not isinstance(value, dict):
                _add_images(found, document, {key: value}, "", SIDECAR)
                continue
            for container, content in value.items():
                role: ImageRole = MAIN if name == main and container == first else SIDECAR
                _add_images(found, document, content, container, role)


def _chosen(choices: dict[str, Any], preferred: tuple[str | None, ...]) -> str | None:
    """The first preferred key that exists, else the first one of the alphabet, which is the order of Helm."""
    return next((key for key in preferred if key in choices), min(choices, default=None))


def _add_images(found: list[Image], document: Decoded, value: object, key: str, role: ImageRole) -> None:
    """Add the images at and below the value of `key`."""
    if isinstance(value, dict):
        if not _PARTS.isdisjoint(value) and (image := _composed(document, value, key, role)):
            found.append(image)
        for name, item in value.items():
            if isinstance(item, str):
                if _is_image_key(name) and (image := _written(document, value, name, role)):
                    found.append(image)
            elif isinstance(item, dict | list) and item:
                _add_images(found, document, item, name, role_below(name, role))
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                _add_images(found, document, item, key, role)


@functools.lru_cache(maxsize=16384)
def _is_image_key(key: str) -> bool:
    return key.lower().endswith(_IMAGE_KEYS)


@functools.lru_cache(maxsize=16384)
def role_below(key: str, role: ImageRole) -> ImageRole:
    """The role of the images below a key of values or fields, where `role` is the one above it."""
    lower = key.lower()
    if lower in _INIT_KEYS:
        return INIT
    return SIDECAR if lower in _SIDECAR_KEYS else role


def _composed(document: Decoded, parts: dict[str, Any], key: str, role: ImageRole) -> Image | None:
    """An image in parts, if a tag, a digest or a pull policy beside it, or the key above it, shows that it is one."""
    if not key.lower().endswith("image"):
        named = isinstance(parts.get("repository"), str)
        if not named or not any(neighbour in parts for neighbour in _NEIGHBOURS):
            return None
    return compose_image(document, parts, role)


def _written(document: Decoded, parent: dict[str, Any], key: str, role: ImageRole) -> Image | None:
    """An image as one text under a key such as `image` or `initImage`, perhaps with registry and tag beside it."""
    text = parent[key].strip()
    if not is_reference(text):
        return None
    stem = key.replace("Repository", "").removesuffix("Name")
    tag = document.text(parent, f"{stem}Tag") or (document.text(parent, "tag") if key == "image" else None)
    registry = (document.text(parent, f"{stem}Registry") or "").strip().rstrip("/")
    if registry and not names_host(text) and is_reference(f"{registry}/{text}"):
        text = f"{registry}/{text}"
    image = parse_image(text, role)
    if tag and image.tag is None and image.digest is None and is_reference(f"{text}:{tag}"):
        image = parse_image(f"{text}:{tag}", role)
    known = image.tag is not None or image.digest is not None
    if known or (key == "image" and ("/" in text or not _CONTAINER_KEYS.isdisjoint(parent))):
        return image
    return None


def _order(image: Image) -> tuple[int, str, str, str]:
    return (_ROLES.index(image.role), image.image, image.tag or "", image.digest or "")
