"""The names that a bucket holds: what of the data directory is known, and how the names of its objects begin there."""

KNOWN_FOLDERS = ("lake/", "archive/", "moving/")
KNOWN_FILES = ("decisions.yaml", "watch.told.json")
"""All that is known. Everything else below the data directory is a cache of one machine, or made of this."""

EDITED_BY_HAND = ("decisions.yaml",)
"""Files of the administrator's: an edit on one machine goes to the bucket. Other copies that were edited are replaced.
"""

PACKED = ("lake/snapshots/", "lake/scans/")
"""Small objects of which each sweep replaces some for every repository. They are one object of the bucket together."""

KNOWN = "known/"
"""How the names of objects begin of which each machine has a copy."""

PACK = "pack/states.parquet"
"""The object with all that is `PACKED`: a Parquet file of names and contents. It is listed with the others."""

INDEX = ".replica.sqlite"
"""The file in the data directory in which a machine remembers which versions its copies have."""

_MIRROR = "/mirror.git/"


def is_known(name: str) -> bool:
    """True for what is shared. A name that begins with a dot is a file that is just being written."""
    if _MIRROR in name or name.rpartition("/")[2].startswith("."):
        return False
    return name in KNOWN_FILES or name.startswith(KNOWN_FOLDERS)


def is_packed(name: str) -> bool:
    """True for a small object that is packed with others."""
    return name.startswith(PACKED)
