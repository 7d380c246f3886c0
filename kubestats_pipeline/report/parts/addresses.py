"""The address of every page, as a path below the site's root. Nothing else in the package makes one up.

Strangers choose the names of repositories, charts, images and settings. An address is a function of the name alone, so
that it stays when others come and go. It has only lower-case letters, digits and a few signs, so that it is one file
on every disk, also where `A` and `a` are one. A name that is written otherwise gets a hash of it as its suffix, after a
`~`, which no name keeps. Whoever makes two names with one hash gets one page for both.
"""

import functools
import hashlib
import posixpath
import re

LONGEST = 80
"""Characters of one part of an address, without its suffix. File systems allow 255 bytes."""

REMEMBERED = 100_000
"""Names whose folder is remembered while pages are made."""

RESOURCES_EACH = 40
"""Resources on one page of a repository."""

_DIGITS = re.compile(r"[0-9a-f]{1,40}")
"""Ids as the scan makes them: such a name is its own folder's."""

_OTHER = re.compile(r"[^a-z0-9._-]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*\.|\..*|-.*|.*\.html|.*\.json|.*\.xml|")
"""Names that a system takes for a device, hides, cuts or reads as an option, those of our files, and none at all."""


@functools.lru_cache(REMEMBERED)
def folder_name(name: str) -> str:
    """A folder's name that belongs to this name alone."""
    plain = _OTHER.sub("-", name.lower())[:LONGEST]
    is_reserved = _RESERVED.fullmatch(plain) is not None
    if plain == name and not is_reserved:
        return plain
    return f"{'x-' if is_reserved else ''}{plain.strip('.-')}~{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def repository_page(full_name: str, part: str = "index.html") -> str:
    """A page of a repository, by its full name."""
    return f"{repository_folder(full_name)}/{part}"


@functools.lru_cache(REMEMBERED)
def repository_folder(full_name: str) -> str:
    """The folder of a repository's pages: a folder for each part of its name."""
    return "/".join(["repositories", *(folder_name(part) for part in full_name.split("/"))])


def resource_page(number: int) -> str:
    """The file of a repository's resources with this number, from 1."""
    return f"resources-{number}.html"


def resource_anchor(resource_id: str) -> str:
    """The anchor of a resource on its page."""
    return f"r-{resource_id if _DIGITS.fullmatch(resource_id) else folder_name(resource_id)[:40]}"


def chart_page(chart_name: str, family_url: str) -> str:
    """The page of a chart family."""
    return f"charts/{folder_name(chart_name)}/{folder_name(_without_scheme(family_url))}/index.html"


def setting_page(chart_name: str, family_url: str, path: str) -> str:
    """The page of one setting of a chart family."""
    return (
        f"settings/{folder_name(chart_name)}/{folder_name(_without_scheme(family_url))}/{folder_name(path)}/index.html"
    )


def app_page(app_name: str) -> str:
    """The page of an app."""
    return f"apps/{folder_name(app_name)}/index.html"


def image_page(image: str) -> str:
    """The page of an image, by its name of today."""
    return f"images/{folder_name(image)}/index.html"


def kind_page(api_group: str, kind: str) -> str:
    """The page of a kind of resource. The core group has no name of its own."""
    return f"kinds/{folder_name(api_group) if api_group else 'core'}/{folder_name(kind)}/index.html"


def beside(address: str, suffix: str) -> str:
    """The address of another file of the same name, such as a page's JSON."""
    return posixpath.splitext(address)[0] + suffix


def relative(target: str, page: str) -> str:
    """The link to an address, with or without an anchor, as a page has it. The site works below any folder."""
    return root_of(page) + target


def root_of(page: str) -> str:
    """The way from a page up to the root of the site, with a slash at its end, or nothing at the root itself."""
    return "../" * page.count("/")


def _without_scheme(url: str) -> str:
    """A URL without `https://`, which most have, so that their addresses can be read. Others keep theirs."""
    return url.removeprefix("https://")
