"""What a kustomization, or a Flux Kustomization, changes of all that it takes in, as records.

They are read in `kustomization.py`, `patches.py` and `kinds/flux.py`, and applied in `apply_paths.py`.
"""

from typing import NamedTuple


class PatchTarget(NamedTuple):
    """What a patch applies to; None matches anything, a text is a regular expression for the whole."""

    group: str | None = None
    version: str | None = None
    kind: str | None = None
    name: str | None = None
    namespace: str | None = None
    labels: str | None = None
    annotations: str | None = None


class Patch(NamedTuple):
    """One change: a mapping to merge or a list of operations, as JSON; a whole document or not at all."""

    target: PatchTarget
    content: bytes


class PatchFile(NamedTuple):
    """A patch whose content stands in another file of the repository, relative to the kustomization's folder."""

    path: str
    target: PatchTarget | None = None


class ImageOverride(NamedTuple):
    """An entry of `images`: another name, tag or digest for the images of one name."""

    name: str
    new_name: str | None = None
    new_tag: str | None = None
    digest: str | None = None


class Transform(NamedTuple):
    """What one kustomization changes of all that it takes in, in this order.

    Attributes:
        excess: what is too much of it to be followed; then it changes nothing, and what it takes in says so.
    """

    patches: tuple[Patch | PatchFile, ...] = ()
    namespace: str | None = None
    prefix: str = ""
    suffix: str = ""
    images: tuple[ImageOverride, ...] = ()
    excess: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return self == NOTHING


NOTHING = Transform()
