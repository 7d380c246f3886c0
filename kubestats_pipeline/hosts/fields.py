"""Types of fields in hosts' JSON that every host's payloads share: text that a table can hold, and times in UTC."""

import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator


def _without_surrogates(value: object) -> object:
    """JSON can spell halves of characters, which neither Parquet nor a terminal can hold."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _in_utc(value: datetime.datetime) -> datetime.datetime:
    return value.astimezone(datetime.UTC)


Text = Annotated[str, BeforeValidator(_without_surrogates)]
Time = Annotated[AwareDatetime, AfterValidator(_in_utc)]
