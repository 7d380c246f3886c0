"""Sends messages to receivers: e-mail, Slack, Discord, Telegram, ntfy and whatever else apprise knows.

An address is a secret: whoever knows it can post, and some have a password. It is in no message, log or error, so what
apprise logs is kept to itself and only its kind is told. The package is imported when there is something to send.
"""

import importlib.util
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr

from kubestats_pipeline.setting_sections import AN_ADDRESS, AlertSettings
from kubestats_pipeline.settings import SettingsError
from kubestats_pipeline.watch.messages import Message

if TYPE_CHECKING:
    import apprise

_STATUS = re.compile(r"error=(\d{3})\b")


class ReceiverError(SettingsError):
    """A receiver cannot be used. The text says which one, by its name, and what would be right."""


@dataclass(frozen=True)
class Undelivered:
    """A message that a receiver did not take, as far as is known.

    Attributes:
        is_sure: it was refused. Otherwise nobody answered, and it may have arrived all the same.
    """

    reason: str
    is_sure: bool


class Receiver:
    """One receiver, ready to be sent messages.

    Attributes:
        room: characters that it takes in one message.
    """

    def __init__(self, sender: "apprise.Apprise", seconds: float) -> None:
        self._sender, self._seconds = sender, seconds
        self.room: int = sender[0].body_maxlen

    def send(self, message: Message) -> Undelivered | None:
        """Send once. Give what went wrong, or None where the receiver took it."""
        import apprise

        result = self._sender.notify(
            title=message.title,
            body=message.body,
            body_format=apprise.NotifyFormat.TEXT.value,
            log_level=logging.WARNING,
        )
        if result:
            return None
        said = " ".join(entry.message for entry in result.logs())
        if status := _STATUS.search(said):
            return Undelivered(f"it answered HTTP {status[1]}", is_sure=True)
        is_late = result.status == apprise.AppriseResultStatus.TIMEOUT
        late, silent = f"no answer within {self._seconds:g} s", "it cannot be reached or did not take the message"
        return Undelivered(late if is_late else silent, is_sure=False)


def open_receivers(settings: AlertSettings) -> Mapping[str, Receiver]:
    """All receivers of the settings by their names. None is asked anything.

    Raises:
        ReceiverError: apprise is not installed, or does not know the form of an address.
    """
    return {
        name: _open(name, address, settings.timeout_seconds) for name, address in sorted(settings.receivers.items())
    }


def _open(name: str, address: SecretStr, seconds: float) -> Receiver:
    if importlib.util.find_spec("apprise") is None:
        raise ReceiverError(
            "alerts.receivers needs the package apprise. Run `pip install 'kubestats-pipeline[watch]'`, or take it out"
        )
    import apprise

    logging.getLogger("apprise").propagate = False  # it would name hosts and topics, and this one paths
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    asset = apprise.AppriseAsset(
        app_id="Kubestats",
        app_desc="Kubestats",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        allow_templates=False,
        service_timeout=seconds,
    )
    sender = apprise.Apprise(asset=asset)
    if not sender.add(address.get_secret_value()) or len(sender) != 1:
        raise ReceiverError(f"alerts.receivers.{name}: apprise does not know such an address. Give {AN_ADDRESS}")
    return Receiver(sender, seconds)
