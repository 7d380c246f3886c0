"""The published file and the pages in the bucket, with a manifest by which readers get all of one publication.

The manifest is put last. It names each object with its ETag, its digest and its size. A reader that finds another
content than the manifest says has met a publication that is just coming, and begins again (`fetched.py`).
"""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from kubestats_pipeline.storage.bucket import LakeBucket, StoreError
from kubestats_pipeline.storage.objects import StaleError

PUBLISHED = "published/"
"""How the names of the objects begin."""

MANIFEST = "manifest.json"

FORMAT = 1
"""Raised when earlier versions cannot read a manifest any more."""

TRANSFERS = 16
"""Requests at once. They mostly wait."""


class PublishedObject(BaseModel):
    """An object of a publication.

    Attributes:
        etag: by which the bucket knows this content.
        sha256: the digest of the content.
        size: bytes.
    """

    model_config = ConfigDict(frozen=True)

    etag: str
    sha256: str
    size: int


class PublicationManifest(BaseModel):
    """One publication: `kubestats.duckdb` and `report/…` by their names below `published/`."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    objects: dict[str, PublishedObject]


def read_manifest(bucket: LakeBucket) -> tuple[PublicationManifest, str | None]:
    """The latest publication and the version of its manifest, an empty one before the first.

    Raises:
        StoreError: the bucket does not work, or a newer version of the program has published.
    """
    try:
        data, version = bucket.get(PUBLISHED + MANIFEST)
    except FileNotFoundError:
        return PublicationManifest(objects={}), None
    try:
        manifest = PublicationManifest.model_validate_json(data)
    except ValidationError:
        raise StoreError(f"{bucket.url}/{PUBLISHED}{MANIFEST} is damaged. The next publication replaces it") from None
    if manifest.format > FORMAT:
        raise StoreError(f"{bucket.url} was published to by a newer version of Kubestats. Install that or a later one")
    return manifest, version


def publish(bucket: LakeBucket, files: Mapping[str, Path]) -> int:
    """Put the files that have changed since the last publication, then the manifest. Gives their number.

    `files` are all of the publication by their names. Objects that belong to it no longer are removed afterwards.

    Raises:
        StaleError: another machine has published meanwhile.
        StoreError: the bucket does not work. Readers see that the publication is not complete.
    """
    before, version = read_manifest(bucket)

    def bring(name: str) -> PublishedObject:
        return _put(bucket, name, files[name], before.objects.get(name))

    with ThreadPoolExecutor(TRANSFERS, thread_name_prefix="publish") as pool:
        objects = dict(zip(files, pool.map(bring, files), strict=True))
    manifest = PublicationManifest(objects=objects).model_dump_json(indent=1).encode()
    try:
        bucket.put(PUBLISHED + MANIFEST, manifest, version)
    except FileExistsError:
        raise StaleError(f"{bucket.url} was published to by another machine") from None
    with ThreadPoolExecutor(TRANSFERS, thread_name_prefix="publish") as pool:
        list(pool.map(lambda name: bucket.delete(PUBLISHED + name), before.objects.keys() - objects.keys()))
    return sum(known != before.objects.get(name) for name, known in objects.items())


def _put(bucket: LakeBucket, name: str, path: Path, known: PublishedObject | None) -> PublishedObject:
    """Put a file, unless the last publication has the same content."""
    with path.open("rb") as file:
        digest, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
        if known is not None and known.sha256 == digest:
            return known
        file.seek(0)
        try:
            version = bucket.put(PUBLISHED + name, file, known.etag if known else None)
        except (FileExistsError, StaleError):  # a publication that was killed has left another content
            file.seek(0)
            version = bucket.put(PUBLISHED + name, file, bucket.version(PUBLISHED + name))
    return PublishedObject(etag=version, sha256=digest, size=size)
