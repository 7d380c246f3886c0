"""Guard of the UI: refuses what another web page makes a browser ask of it, before Dagster sees the request.

Dagster's webserver has no password and trusts whoever reaches it, and a browser carries any page's requests to
127.0.0.1. Three rules close that way (OWASP's cheat sheet on cross-site request forgery gives them). The host name must
be ours, because another one is DNS rebinding. A change must come from our own pages. It must also be JSON, which a
browser does not send elsewhere without asking. Programs send neither `Origin` nor `Sec-Fetch-Site` and go on to work.
`deploy/nginx.conf` holds the same rules for whoever comes through the proxy.
"""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READING = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing (RFC 9110, section 9.2.1)."""

OWN_SITES = (None, "same-origin", "none")
"""Values of `Sec-Fetch-Site` for our own pages and for an address that a person typed. Programs do not send it."""

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?", re.IGNORECASE)


@dataclass(frozen=True)
class Asked:
    """The parts of a request that the rules look at.

    Attributes:
        is_question: a GraphQL query in the address, which Dagster would execute even if it changes something.
        origins, hosts: all headers of these names. A second one is an attempt to deceive somebody.
        media_type: of the body, without parameters.
    """

    method: str
    is_websocket: bool
    is_question: bool
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    site: str | None
    mode: str | None
    media_type: str

    @property
    def changes(self) -> bool:
        """True if it can change something."""
        return self.method not in READING or self.is_question


class Guard:
    """An ASGI application that answers 403 itself or lets another one answer. Nobody may show its pages in a frame."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or hand it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif reason := refusal(_read(scope), self._hosts):
            await _refuse(reason, scope, receive, send)
        else:
            await self._app(scope, receive, _unframed(send))


def refusal(asked: Asked, hosts: Collection[str] = ()) -> str | None:
    """Why a request is refused. None where it may pass.

    Args:
        asked: the request.
        hosts: names beside the loopback ones by which the UI is reached, in lower case.
    """
    if len(asked.hosts) != 1 or not _is_ours(asked.hosts[0], hosts):
        return "this host name is not one of ours. Add it to the setting ui.hosts if it is yours"
    if asked.site == "cross-site" and (asked.changes or asked.is_websocket or asked.mode != "navigate"):
        return "another site asks for this. Open the UI itself"
    if not (asked.changes or asked.is_websocket):
        return None
    if not _is_own(asked):
        return "changes and events are for the UI's own pages and for programs. Another page asks for them"
    if asked.is_websocket or asked.media_type == "application/json":
        return None
    return "changes are asked for by POST with a body of the type application/json"


def _is_ours(host: str, hosts: Collection[str]) -> bool:
    match = _HOST.fullmatch(host)
    name = match["name"].lower() if match else ""
    return name == "localhost" or name in hosts or _is_loopback(name.strip("[]"))


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_own(asked: Asked) -> bool:
    """True if one of our own pages asks, or no page at all. The proxy hands the host on as the browser wrote it."""
    if asked.site not in OWN_SITES or len(asked.origins) > 1:
        return False
    if not asked.origins:
        return True
    scheme, separator, authority = asked.origins[0].lower().partition("://")
    return bool(separator) and scheme in ("http", "https") and authority == asked.hosts[0].lower()


def _read(scope: Scope) -> Asked:
    headers = Headers(scope=scope)
    is_graphql = scope["path"].rstrip("/").endswith("/graphql")
    return Asked(
        method=scope.get("method", "GET"),
        is_websocket=scope["type"] == "websocket",
        is_question=is_graphql and bool(scope["query_string"]),
        hosts=tuple(headers.getlist("host")),
        origins=tuple(headers.getlist("origin")),
        site=headers.get("sec-fetch-site"),
        mode=headers.get("sec-fetch-mode"),
        media_type=headers.get("content-type", "").partition(";")[0].strip().lower(),
    )


async def _refuse(reason: str, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the server answers 403
    else:
        await PlainTextResponse(f"{reason}\n", status_code=403)(scope, receive, send)


def _unframed(send: Send) -> Send:
    """Tell browsers not to show the page in another one's frame, where a click could be stolen."""

    async def send_unframed(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["X-Frame-Options"] = "DENY"
        await send(message)

    return send_unframed
