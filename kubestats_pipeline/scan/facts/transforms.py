"""Records of the changes that a kustomization, or a Flux Kustomization, makes to all resources that it takes in.

They are read in `kustomization.py`, `patches.py` and `kinds/flux.py`, and applied in `transform.py`.
"""

from typing import NamedTuple


class PatchTarget(NamedTuple):
    """The resources that a patch applies to. None matches anything, and a text is a regular expression."""

    group: str | None = None
    version: str | None = None
    kind: str | None = None
    name: str | None = None
    namespace: str | None = None
    labels: str | None = None
    annotations: str | None = None


class Patch(NamedTuple):
    """One patch: a mapping to merge, or a list of operations, as JSON."""

    target: PatchTarget
    content: bytes


class PatchFile(NamedTuple):
    """A patch in another file of the repository, with its path relative to the kustomization's folder."""

    path: str
    target: PatchTarget | None = None


class ImageOverride(NamedTuple):
    """An entry of `images`: another name, tag or digest for the images of one name."""

    name: str
    new_name: str | None = None
    new_tag: str | None = None
    digest: str | None = None


class Transform(NamedTuple):
    """The changes that one kustomization makes to all resources that it takes in, in this order.

    Attributes:
        patches: to apply, or files that hold some.
        namespace: to set.
        prefix: of names.
        suffix: of names.
        images: other names, tags and digests of images.
        excess: the part of it that is too large to be followed. It then changes nothing, and its resources are marked.
    """

    patches: tuple[Patch | PatchFile, ...] = ()
    namespace: str | None = None
    prefix: str = ""
    suffix: str = ""
    images: tuple[ImageOverride, ...] = ()
    excess: str | None = None


NOTHING = Transform()
