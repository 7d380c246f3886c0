"""Each change is told once: over publications, failures of a receiver, a crash, a lost file and new rules."""

import datetime
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kubestats_pipeline.report.build import build_site
from kubestats_pipeline.storage.folder import FolderStore
from kubestats_pipeline.warehouse.build import schema_version
from kubestats_pipeline.watch.memory import KEPT, MemoryFileError
from kubestats_pipeline.watch.messages import MOST_CHANGES
from kubestats_pipeline_tests.watch.receiving import TOPIC, PostServer, listening
from kubestats_pipeline_tests.watch.world import World, day, drop, put, release

ROLLED_BACK = {"chart": "podinfo", "what": ["rolled_back"]}
CHANGED = {"chart": "podinfo", "what": ["changed"]}
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def world(tmp_path: Path, phone: PostServer) -> World:
    """Two repositories with podinfo, of which one has been at a higher version, published and watched once."""
    world = World(tmp_path, {"phone": phone.ntfy}, ROLLED_BACK)
    world.add("ann/home", release("podinfo", "podinfo", "6.5.0"))
    world.add("bob/home", release("podinfo", "podinfo", "6.5.0"))
    world.commit(1, day(3, 1), put("podinfo", version="6.6.0"))
    world.tell()
    return world


def messages(server: PostServer) -> list[str]:
    return [json.loads(body)["message"] for body in server.bodies]


def test_a_rollback_is_told_once_with_the_commit(world: World, phone: PostServer):
    assert messages(phone) == []
    sha = world.commit(1, day(4, 2), put("podinfo", version="6.5.0"))
    world.now = day(4, 3)
    assert world.tell().told == {"phone": 1}
    assert messages(phone) == [
        f"ann/home went back from podinfo 6.6.0 to 6.5.0, 2026-04-02\nhttps://github.com/ann/home/commit/{sha}"
    ]
    assert world.tell_again().told == {}
    world.commit(2, day(4, 4), put("podinfo", version="6.6.0"))
    assert world.tell().told == {}
    assert len(phone.received) == 1


def test_a_new_rule_tells_nothing_of_the_past_and_the_next_change(world: World, phone: PostServer):
    world.rules.append(CHANGED)
    assert world.tell_again().begun == {"phone": 1}
    assert phone.received == []
    world.commit(2, day(4, 2), put("podinfo", version="6.5.1"))
    assert world.tell().told == {"phone": 1}


def test_a_new_receiver_of_an_old_rule_begins_anew_and_the_old_one_goes_on(world: World, phone: PostServer):
    with listening() as desk:
        world.receivers["desk"] = desk.ntfy
        assert world.tell_again().begun == {"desk": 1}
        world.commit(1, day(4, 2), put("podinfo", version="6.5.0"))
        assert world.tell().told == {"desk": 1, "phone": 1}
        assert messages(desk) == messages(phone)


def test_a_receiver_that_does_not_answer_is_told_later_and_the_others_once(world: World, phone: PostServer):
    with listening() as desk:
        world.receivers["desk"] = desk.ntfy
        world.tell_again()
        world.commit(1, day(4, 2), put("podinfo", version="6.5.0"))
        phone.answers = [500]
        outcome = world.tell()
        assert (outcome.told, outcome.failures) == ({"desk": 1}, {"phone": "it answered HTTP 500"})
        world.commit(2, day(4, 3), put("podinfo", version="6.4.0"))
        world.commit(2, day(4, 4), put("podinfo", version="6.5.0"))
        world.commit(2, day(4, 5), put("podinfo", version="6.4.0"))
        assert world.tell().told == {"desk": 1, "phone": 2}
        assert messages(phone)[-1].count("went back") == 2
        assert len(messages(desk)) == 2
        assert world.tell_again().told == {}


def test_a_receiver_that_is_gone_for_longer_than_changes_are_remembered_misses_nothing(world, phone: PostServer):
    world.commit(1, day(4, 2), put("podinfo", version="6.5.0"))
    phone.answers = [503, 503]
    assert world.tell().failures
    world.now += 2 * KEPT
    assert world.tell_again().failures
    assert world.tell_again().told == {"phone": 1}


def test_a_message_that_nobody_answered_is_sent_again_and_says_so(world: World, phone: PostServer):
    world.commit(1, day(4, 2), put("podinfo", version="6.5.0"))
    phone.delay = 8  # apprise waits four seconds for an answer
    assert world.tell().failures == {"phone": "it cannot be reached or did not take the message"}
    phone.delay = 0
    assert world.tell_again().told == {"phone": 1}
    first, second = messages(phone)
    assert second == f"An attempt to tell these was not confirmed. Some may have arrived before.\n\n{first}"


def test_what_is_no_longer_remembered_is_not_told_again(world: World, phone: PostServer):
    world.commit(1, day(4, 2), put("podinfo", version="6.5.0"))
    world.tell()
    world.now = day(4, 2) + KEPT + HOUR
    assert world.tell_again().told == {}
    assert (
        json.loads(world.lake.layout.told.read_text())["settled"]["phone"]["chart podinfo rolled_back"]["changes"] == {}
    )
    assert world.tell_again().told == {}
    assert len(phone.received) == 1


def test_a_commit_that_comes_late_is_told_too(world: World, phone: PostServer):
    world.now = day(4, 20)
    world.tell_again()
    world.commit(1, day(4, 2), put("podinfo", version="6.5.0"))
    assert world.tell().told == {"phone": 1}


def test_the_history_of_a_repository_that_is_new_is_not_news(world: World, phone: PostServer):
    number = world.add("eve/home", release("podinfo", "podinfo", "6.5.0"), at=day(3, 20), discovered_at=day(4, 2))
    world.commit(number, day(3, 21), put("podinfo", version="6.6.0"))
    world.commit(number, day(3, 22), put("podinfo", version="6.5.0"))
    assert world.tell().told == {}
    world.commit(number, day(4, 3), put("podinfo", version="6.4.0"))
    world.commit(number, day(4, 4), put("podinfo", version="6.5.0"))
    world.commit(number, day(4, 5), put("podinfo", version="6.4.0"))
    assert world.tell().told == {"phone": 1}


def test_a_change_that_two_rules_find_is_one_line(world: World, phone: PostServer):
    world.rules.append(CHANGED)
    world.tell_again()
    world.commit(1, day(4, 2), put("podinfo", version="6.5.0"))
    assert world.tell().told == {"phone": 1}
    assert messages(phone)[0].count("podinfo") == 1


def test_many_changes_are_one_message_with_a_bound(world: World, phone: PostServer):
    world.rules = [{"repository": "ann/home", "what": "changed"}]
    world.tell_again()
    for hour in range(MOST_CHANGES + 5):
        world.commit(1, day(4, 2) + hour * HOUR, put("podinfo", version=f"7.{hour}.0"))
    assert world.tell().told == {"phone": MOST_CHANGES + 5}
    (message,) = messages(phone)
    told = message.count("ann/home changed 1 resource: HelmRelease podinfo")
    assert 5 < told <= MOST_CHANGES
    assert message.endswith(f"… and {MOST_CHANGES + 5 - told} more")
    assert len(message) <= 1_800


def test_a_lost_file_tells_nothing_twice_and_goes_on_from_now(world: World, phone: PostServer):
    world.commit(1, day(4, 2), put("podinfo", version="6.5.0"))
    world.tell()
    world.lake.layout.told.unlink()
    assert world.tell_again().begun == {"phone": 1}
    assert len(phone.received) == 1


@pytest.mark.parametrize("content", ["", "garbage", "[]", '{"version": 2}', '{"version": 1, "settled": {"phone": 3}}'])
def test_a_damaged_file_is_told_with_its_remedy_and_nobody_is_told_anything(world, phone: PostServer, content: str):
    world.commit(1, day(4, 2), put("podinfo", version="6.5.0"))
    world.publish()
    world.lake.layout.told.write_text(content)
    with pytest.raises(MemoryFileError, match=r"watch\.told\.json cannot be read\. Put back a copy, or delete it"):
        world.tell_again()
    assert phone.received == []


def test_a_process_killed_while_it_tells_tells_again_and_says_so(world: World, phone: PostServer):
    world.commit(1, day(4, 2), put("podinfo", version="6.5.0"))
    world.publish()
    program = """
import os, signal, sys
from pathlib import Path
from kubestats_pipeline_tests.watch.world import World, day
from kubestats_pipeline.watch.receivers import Receiver
send = Receiver.send
def killed(receiver, message):
    send(receiver, message)
    os.kill(os.getpid(), signal.SIGKILL)
Receiver.send = killed
world = World(Path(sys.argv[1]), {"phone": sys.argv[2]}, {"chart": "podinfo", "what": ["rolled_back"]})
world.tell_again()
"""
    folder = world.lake.layout.data_dir.parent
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder), phone.ntfy], cwd=folder, env=dict(os.environ), check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert world.tell_again().told == {"phone": 1}
    first, second = messages(phone)
    assert second == f"An attempt to tell these was not confirmed. Some may have arrived before.\n\n{first}"
    assert world.tell_again().told == {}


def test_a_full_disk_after_the_message_is_an_error_and_the_repetition_says_so(world, phone, monkeypatch):
    world.commit(1, day(4, 2), put("podinfo", version="6.5.0"))
    world.publish()
    stored = FolderStore.put
    writes: list[str] = []

    def put_until_sent(storage: FolderStore, name: str, data: bytes) -> None:
        if phone.received:
            raise OSError(28, "No space left on device")
        writes.append(name)
        stored(storage, name, data)

    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "put", put_until_sent)
        with pytest.raises(OSError, match="No space left"):
            world.tell_again()
    assert writes == ["watch.told.json"]
    world.tell_again()
    assert messages(phone)[1].startswith("An attempt to tell these was not confirmed.")


def test_a_name_that_nothing_has_is_reported(world: World):
    world.rules = [{"chart": "nothing-like-this", "what": "changed"}, {"repository": "nobody/home", "what": "gone"}]
    assert world.tell_again().unknown == ("chart nothing-like-this", "repository nobody/home")


def test_a_rule_that_comes_back_is_new(world: World, phone: PostServer):
    world.rules = [CHANGED]
    world.tell_again()
    world.commit(1, day(4, 2), put("podinfo", version="6.5.0"))
    world.tell()
    world.rules = [CHANGED, ROLLED_BACK]
    assert world.tell_again().begun == {"phone": 1}
    assert len(phone.received) == 1


def test_no_address_is_in_the_file(world: World):
    assert TOPIC not in world.lake.layout.told.read_text()


def test_a_message_links_the_page_of_the_report_that_others_reach(world: World, phone: PostServer):
    world.url = "https://kubestats.example.org/pages"
    sha = world.commit(1, day(4, 2), put("podinfo", version="6.5.0"))
    world.publish()
    layout = world.lake.layout
    build_site(layout.warehouse, layout.report, schema_version(), world.url)
    world.tell_again()
    _, commit, page = messages(phone)[0].splitlines()
    assert commit == f"https://github.com/ann/home/commit/{sha}"
    assert page.startswith(f"{world.url}/charts/podinfo/")
    assert (layout.report / page.removeprefix(f"{world.url}/") / "index.html").is_file()


def test_the_end_of_a_use_is_told(world: World, phone: PostServer):
    world.rules = [{"chart": "podinfo", "what": "gone"}]
    world.tell_again()
    world.commit(2, day(4, 2), drop("podinfo"))
    world.tell()
    assert messages(phone)[0].startswith("bob/home runs podinfo no more (last 6.5.0), 2026-04-02")
