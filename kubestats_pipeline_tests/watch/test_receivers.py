"""Messages at real servers on loopback: mail, and what the services are sent that speak HTTP."""

import datetime
import io
import json
import logging
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from kubestats_pipeline.setting_sections import AlertSettings
from kubestats_pipeline.watch.changes import WatchedChange
from kubestats_pipeline.watch.links import ReportSite, commit_link
from kubestats_pipeline.watch.messages import Message, compose, compose_failure
from kubestats_pipeline.watch.receivers import Receiver, ReceiverError, Undelivered, open_receivers
from kubestats_pipeline_tests.watch.receiving import TOPIC, PostServer, mail_server

HELLO = Message("Kubestats: a title", "first line\nhttps://example.org/a_b_c/")

SILENT = Undelivered("it cannot be reached or did not take the message", is_sure=False)

HOSTILE = "@everyone <@1> <b>x</b> [click](https://evil.example) `a` *b* |c| \x1b[31m‮ \nnext"


def receiver(address: str, seconds: float = 5) -> Receiver:
    return open_receivers(AlertSettings(receivers={"it": address}, timeout_seconds=seconds))["it"]


def change(**columns: object) -> WatchedChange:
    at = datetime.datetime(2026, 4, 2, tzinfo=datetime.UTC)
    facts = {"kind": "chart", "change": "changed", "repository_id": "github:1", "commit_sha": "a1" * 20}
    more = {"changed_at": at, "subject": "podinfo", "address": "oci://ghcr.io/charts/podinfo", "uses": 1, "major": None}
    versions = {"version_before": "1.0.0", "version_after": "1.1.0", "is_history": False}
    names = {"full_name": "ann/home", "html_url": "https://github.com/ann/home"}
    return WatchedChange(**(facts | more | versions | names | columns))  # type: ignore[arg-type]


def test_a_mail_arrives_with_its_title_and_text():
    with mail_server() as (mailbox, address):
        assert receiver(address).send(HELLO) is None
        (mail,) = mailbox.mails
    assert mail["subject"] == HELLO.title
    assert "ann@example.org" in mail["to"]
    body = mail.get_body(("plain",))
    assert body is not None
    assert HELLO.body in body.get_content().replace("\r\n", "\n")


def test_ntfy_gets_topic_title_and_text(phone: PostServer):
    assert receiver(phone.ntfy).send(HELLO) is None
    ((_, _, body),) = phone.received
    sent = json.loads(body)
    assert (sent["topic"], sent["title"], sent["message"]) == (TOPIC, HELLO.title, HELLO.body)


def test_mattermost_gets_what_slack_would(phone: PostServer):
    assert receiver(f"mmost://127.0.0.1:{phone.server_port}/secrettoken123").send(HELLO) is None
    ((path, _, body),) = phone.received
    assert path == "/hooks/secrettoken123"
    assert HELLO.body.splitlines()[0] in json.loads(body)["text"]


@pytest.fixture
def services(phone: PostServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Addresses of services whose hosts are fixed, which are led to the server of this test."""
    from apprise.plugins.discord import NotifyDiscord
    from apprise.plugins.slack import NotifySlack
    from apprise.plugins.telegram import NotifyTelegram

    monkeypatch.setattr(NotifyDiscord, "notify_url", phone.url)
    monkeypatch.setattr(NotifySlack, "webhook_url", phone.url)
    monkeypatch.setattr(NotifyTelegram, "notify_url", f"{phone.url}/bot")
    return {
        "discord": f"discord://{'1' * 18}/{'a' * 60}",
        "slack": f"slack://T{'1' * 8}/B{'1' * 8}/{'a' * 24}/#general",
        "telegram": f"tgram://123456789:{'a' * 35}/987654321",
    }


@pytest.mark.parametrize("service", ["discord", "slack", "telegram"])
def test_strangers_words_mention_nobody_and_link_nowhere(services: dict[str, str], phone: PostServer, service: str):
    hostile = change(full_name=HOSTILE, subject=HOSTILE, version_after=HOSTILE, html_url=None)
    message = compose([hostile], lambda _: None, 4_000)
    assert receiver(services[service]).send(message) is None
    (body,) = phone.bodies
    sent = body if body.startswith("{") else json.dumps(parse_qs(body))
    before, mark, text = json.dumps(json.loads(sent), ensure_ascii=False).partition("＠everyone ‹＠1›")
    assert mark
    assert "@" not in before
    for sign in ("@everyone", "<@", "<b>", "](", "\\u001b", "‮"):
        assert sign not in text


def test_a_hostile_name_is_one_line_and_short():
    message = compose([change(full_name=HOSTILE, subject="x" * 5_000)], lambda _: None, 4_000)
    first, second = message.body.splitlines()
    assert first.startswith(
        "＠everyone ‹＠1› ‹b›x‹/b› (click)(https://evil.example) 'a' ∗b∗ ¦c¦ ␛(31m\\u202e ␊next went from x"
    )
    assert len(first) < 400
    assert second == f"https://github.com/ann/home/commit/{'a1' * 20}"


def test_a_secret_in_a_name_is_withheld():
    token = "ghp_" + "0123456789abcdefABCDEF0123456789abcd"
    assert token not in compose([change(subject=token)], lambda _: None, 4_000).body
    assert token not in compose_failure("scan_repositories", "run", f"a\n{token}").body


def test_a_message_fits_the_room_of_its_receiver():
    message = compose([change(commit_sha=f"{number:040}") for number in range(50)], lambda _: None, 400)
    assert len(message.body) <= 400
    assert message.body.endswith(" more")
    assert message.title == "Kubestats: 50 changes"


@pytest.mark.parametrize(
    ("identity", "page", "link"),
    [
        ("github:1", "https://github.com/a/b", "https://github.com/a/b/commit/"),
        ("gitlab.com:1", "https://gitlab.com/g/s/b", "https://gitlab.com/g/s/b/-/commit/"),
        ("git:1", "https://codeberg.org/a/b", "https://codeberg.org/a/b/commit/"),
        ("git:1", "https://bitbucket.org/a/b", "https://bitbucket.org/a/b/commits/"),
        ("git:1", "https://git.example.org/a/b", None),
        ("git:1", None, None),
        ("git:1", "javascript:alert('github')", None),
    ],
)
def test_a_commit_is_linked_where_the_form_of_the_host_is_known(identity: str, page: str | None, link: str | None):
    found = commit_link(change(repository_id=identity, html_url=page))
    assert found == (f"{link}{'a1' * 20}" if link else None)


def test_a_page_is_linked_where_it_exists_and_others_reach_it(tmp_path: Path):
    page = tmp_path / "charts/podinfo/oci-ghcr.io-charts-podinfo~9e0cdd4a2d/index.html"
    site = ReportSite(tmp_path, "https://kubestats.example.org/pages")
    assert site.link(change()) is None
    from kubestats_pipeline.report.parts.addresses import chart_page

    page = tmp_path / chart_page("podinfo", "oci://ghcr.io/charts/podinfo")
    page.parent.mkdir(parents=True)
    page.touch()
    link = site.link(change())
    assert link is not None
    assert link.startswith("https://kubestats.example.org/pages/charts/podinfo/oci-ghcr.io-charts-podinfo~")
    assert link.endswith("/")
    assert ReportSite(tmp_path, None).link(change()) is None


def test_what_went_wrong_is_told_without_the_address(phone: PostServer, capfd: pytest.CaptureFixture[str]):
    logged = io.StringIO()
    handler = logging.StreamHandler(logged)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        phone.answers = [403]
        assert receiver(phone.ntfy).send(HELLO) == Undelivered("it answered HTTP 403", is_sure=True)
        assert receiver(f"mmost://127.0.0.1:{phone.server_port}/{TOPIC}").send(HELLO) is None
        assert receiver(f"ntfy://127.0.0.1:9/{TOPIC}").send(HELLO) == SILENT
        mail = f"mailto://ann:{TOPIC}@127.0.0.1:9?from=ann@example.org&to=bob@example.org"
        assert receiver(mail).send(HELLO) == SILENT
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    said = logged.getvalue() + "".join(capfd.readouterr())
    assert TOPIC not in said
    assert "127.0.0.1" not in said


@pytest.mark.parametrize("address", [f"foo://{TOPIC}", f"discord://{TOPIC}", "mailto://topic-that-is-secret"])
def test_an_address_that_apprise_does_not_know_is_refused_by_the_name_of_its_receiver(address: str):
    said = r"alerts\.receivers\.it: apprise does not know such an address\. Give"
    with pytest.raises(ReceiverError, match=said) as caught:
        receiver(address)
    assert TOPIC not in str(caught.value)


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ReceiverError, match=r"pip install 'kubestats-pipeline\[watch\]'"):
        open_receivers(AlertSettings(receivers={"it": "ntfy://h/t"}))
