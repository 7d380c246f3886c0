"""A bucket of S3, Google Cloud Storage or Azure, through obstore: bytes by key, each with a version.

Credentials come from where the cloud's own tools look for them: the environment, or the machine's role. They appear in
no message: of an answer only the code of its error is told, because the rest may quote a key.
"""

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.storage.objects import StaleError

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Connection

RETRIES = {"max_retries": 4, "retry_timeout": timedelta(seconds=40)}
"""A request that meets a server that is busy or restarts is repeated for so long."""

TIMEOUT = {"timeout": "300s", "connect_timeout": "10s"}

_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_REMEDIES = {
    "NoSuchBucket": "The bucket does not exist. Make it, or correct lake_url",
    "401": "Give credentials in the environment, as the cloud's own tools read them",
    "403": "Look at the credentials in the environment, and give them the right to list, read, write and delete there",
    "404": "Make the bucket, or correct lake_url",
}
_UNREACHED = "See that the address is right and the service runs. All that was written stays, and the next run goes on"


class StoreError(ExplainedError, OSError):
    """The bucket does not work. The text says which one and what to do. Nothing is half written."""


class LakeBucket:
    """Objects below an address such as `s3://bucket/prefix`.

    Args:
        url: the address, without credentials.

    Raises:
        StoreError: the address cannot be one, or obstore is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            from obstore.exceptions import BaseError
            from obstore.store import from_url
        except ImportError:
            raise StoreError("lake_url needs obstore. Install it: pip install 'kubestats-pipeline[cluster]'") from None
        try:
            options: Any = {"retry_config": RETRIES, "client_options": {**TIMEOUT, "allow_http": True}}
            self._store: Connection = from_url(url, **options)
        except (BaseError, ValueError) as error:
            raise StoreError(f"{url} cannot be opened ({type(error).__name__}). Correct lake_url") from None

    def __reduce__(self) -> tuple[type["LakeBucket"], tuple[str]]:
        """Other processes open their own."""
        return LakeBucket, (self.url,)

    def list(self, prefix: str) -> dict[str, str]:
        """The keys that begin with a prefix, which ends with "/", and their versions. One request for each thousand."""
        import obstore

        found: dict[str, str] = {}
        try:
            for page in obstore.list(self._store, prefix, chunk_size=1000):
                found |= {each["path"]: _version(each) for each in page}
        except _failures() as error:
            raise self._explained("list", prefix, error) from None
        return found

    def look(self) -> None:
        """One request that fails where the bucket is gone: a single key of it may then only be said to be missing.

        Raises:
            StoreError: the bucket is not there.
        """
        self.list("no object is here/")

    def get(self, key: str) -> tuple[bytes, str]:
        """The bytes of an object and their version.

        Raises:
            FileNotFoundError: nothing has that key.
        """
        import obstore

        try:
            answer = obstore.get(self._store, key)
            return bytes(answer.bytes()), _version(answer.meta)
        except _failures() as error:
            raise self._explained("read", key, error) from None

    def version(self, key: str) -> str | None:
        """The version of an object, None where nothing has that key."""
        import obstore

        try:
            return _version(obstore.head(self._store, key))
        except FileNotFoundError:
            return None
        except _failures() as error:
            raise self._explained("read", key, error) from None

    def put(self, key: str, data: Any, version: str | None) -> str:
        """Write an object that has a version, or with None one that does not exist yet. Gives the new version.

        `data` is bytes, or an open file.

        Raises:
            FileExistsError: there is one already.
            StaleError: it has another version by now.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        mode: Any = "create" if version is None else _update(version)
        try:
            return _version(obstore.put(self._store, key, data, mode=mode, use_multipart=False))
        except AlreadyExistsError:
            raise FileExistsError(f"{self.url}/{key} exists") from None
        except (PreconditionError, FileNotFoundError) as error:
            if _code_of(error) == "NoSuchBucket":
                raise self._explained("write", key, error) from None
            self.look()
            raise StaleError(f"{self.url}/{key} was written by another machine") from None
        except _failures() as error:
            raise self._explained("write", key, error) from None

    def delete(self, key: str) -> None:
        """Remove an object. Nothing happens where it is not there."""
        import obstore

        try:
            obstore.delete(self._store, key)
        except FileNotFoundError:
            return
        except _failures() as error:
            raise self._explained("delete", key, error) from None

    def _explained(self, verb: str, key: str, error: BaseException) -> OSError:
        code, status = _code_of(error), _STATUS.search(str(error))
        if isinstance(error, FileNotFoundError) and code != "NoSuchBucket":
            return FileNotFoundError(f"{self.url}/{key} is not there")
        told = code or (f"HTTP {status[1]}" if status else "no answer")
        remedy = _REMEDIES.get(code or "") or _REMEDIES.get(status[1] if status else "") or _UNREACHED
        return StoreError(f"cannot {verb} {self.url}/{key} ({told}). {remedy}")


def tag_of(version: str) -> str:
    """The part of a version that a listing tells too."""
    return version.partition(" ")[0]


def _version(meta: Any) -> str:
    """ETag and generation, which Google's store asks for besides, as one text."""
    return f"{meta.get('e_tag') or ''} {meta.get('version') or ''}".strip()


def _update(version: str) -> dict[str, str]:
    tag, _, generation = version.partition(" ")
    return {"e_tag": tag, **({"version": generation} if generation else {})}


def _code_of(error: BaseException) -> str | None:
    found = _CODE.search(str(error))
    return found[1] if found else None


def _failures() -> tuple[type[Exception], ...]:
    from obstore.exceptions import BaseError

    return BaseError, OSError
