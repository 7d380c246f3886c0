"""The published file and the pages in the bucket, with a manifest by which readers get all of one publication.

The manifest is put last. It names each object with its ETag, its digest and its size. A reader that finds another
content than the manifest says has met a publication that is just coming, and begins again (`fetched.py`).
"""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from kubestats_pipeline.storage.bucket import LakeBucket, StoreError, tag_of
from kubestats_pipeline.storage.objects import StaleError

PUBLISHED = "published/"
"""How the names of the objects begin."""

MANIFEST = "manifest.json"

_KEY = PUBLISHED + MANIFEST

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


class DamagedManifestError(StoreError):
    """The manifest cannot be read. The next publication replaces it."""


def read_manifest(bucket: LakeBucket) -> PublicationManifest:
    """The latest publication, an empty one before the first.

    Raises:
        StoreError: the bucket does not work, a newer version of the program has published, or the manifest is damaged.
    """
    try:
        return _parse(bucket, bucket.get(_KEY)[0])
    except FileNotFoundError:
        return PublicationManifest(objects={})


def _parse(bucket: LakeBucket, data: bytes) -> PublicationManifest:
    try:
        manifest = PublicationManifest.model_validate_json(data)
    except ValidationError:
        raise DamagedManifestError(f"{bucket.url}/{_KEY} is damaged. The next publication replaces it") from None
    if manifest.format > FORMAT:
        raise StoreError(f"{bucket.url} was published to by a newer version of Kubestats. Install that or a later one")
    return manifest


def publish(bucket: LakeBucket, files: Mapping[str, Path]) -> int:
    """Put the files that have changed since the last publication, then the manifest. Gives their number.

    `files` are all of the publication by their names. Other objects that lie there are removed afterwards.

    Raises:
        StaleError: another machine has published meanwhile, or is about to.
        StoreError: the bucket does not work. Readers see that the publication is not complete.
    """
    before, version = _before(bucket)
    there = bucket.list(PUBLISHED)
    there.pop(_KEY, None)

    def bring(name: str) -> PublishedObject:
        return _put(bucket, name, files[name], before.get(name), there.get(PUBLISHED + name))

    with ThreadPoolExecutor(TRANSFERS, thread_name_prefix="publish") as pool:
        objects = dict(zip(files, pool.map(bring, files), strict=True))
    manifest = PublicationManifest(objects=objects).model_dump_json(indent=1).encode()
    try:
        bucket.put(_KEY, manifest, version)
    except FileExistsError:
        raise StaleError(f"{bucket.url} was published to by another machine") from None
    gone = there.keys() - {PUBLISHED + name for name in objects}
    with ThreadPoolExecutor(TRANSFERS, thread_name_prefix="publish") as pool:
        list(pool.map(bucket.delete, gone))
    return sum(known != before.get(name) for name, known in objects.items())


def _before(bucket: LakeBucket) -> tuple[Mapping[str, PublishedObject], str | None]:
    """The objects of the last publication, and the version of its manifest. Of a damaged one nothing is known."""
    try:
        data, version = bucket.get(_KEY)
    except FileNotFoundError:
        return {}, None
    try:
        return _parse(bucket, data).objects, version
    except DamagedManifestError:
        return {}, version


def _put(
    bucket: LakeBucket, name: str, path: Path, known: PublishedObject | None, there: str | None
) -> PublishedObject:
    """Put a file, unless the bucket still has the same content from the last publication.

    `there` is the listed version of the object. One that was killed, or came too late, may have left another content.
    """
    is_known = known is not None and there is not None and tag_of(known.etag) == tag_of(there)
    with path.open("rb") as file:
        digest, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
        if known is not None and is_known and known.sha256 == digest:
            return known
        file.seek(0)
        before = known.etag if known is not None and is_known else bucket.version(PUBLISHED + name) if there else None
        try:
            version = bucket.put(PUBLISHED + name, file, before)
        except FileExistsError:
            raise StaleError(f"{bucket.url} is just being published to by another machine") from None
    return PublishedObject(etag=version, sha256=digest, size=size)
