"""The file of decisions: written in one step, edited by hand without loss, refused where it is broken."""

import datetime
import threading
from pathlib import Path

import pytest

from kubestats_pipeline.discover import decisions
from kubestats_pipeline.discover.decisions import (
    Decision,
    Decisions,
    DecisionsError,
    lift_decision,
    read_decisions,
    record_decision,
)
from kubestats_pipeline.locks import BusyError, locked

NOON = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
SPAM = Decision("ada/ops", "github:1", "spam", NOON)

BY_HAND = """\
# Ours.
blocked:
- eve/spam   # told twice

- repository: 'mal/ory'   # quoted on purpose
  reason: she knows why
approved: []
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "decisions.yaml"


def test_without_a_file_nothing_is_decided(path):
    assert read_decisions(path) == Decisions()


def test_a_decision_comes_back_as_it_was_made(path):
    record_decision(path, "blocked", SPAM)
    assert read_decisions(path) == Decisions(blocked=(SPAM,))
    assert path.read_text().startswith("# What the administrator decided")


def test_a_second_decision_about_the_same_repository_replaces_the_first(path):
    record_decision(path, "blocked", SPAM)
    record_decision(path, "blocked", Decision("ada/renamed", "github:1", "more spam"))
    assert read_decisions(path).blocked == (Decision("ada/renamed", "github:1", "more spam"),)


def test_a_decision_ends_those_that_contradict_it(path):
    record_decision(path, "deleted", SPAM)
    record_decision(path, "approved", SPAM, lifts=("deleted",))
    assert read_decisions(path) == Decisions(approved=(SPAM,))


def test_what_was_written_by_hand_stays_with_its_comments(path):
    path.write_text(BY_HAND)
    record_decision(path, "approved", Decision("bob/large"))
    assert path.read_text() == BY_HAND.replace("approved: []", "approved:\n- repository: bob/large")
    assert lift_decision(path, "approved", Decision("BOB/large"))
    assert path.read_text() == BY_HAND
    assert lift_decision(path, "blocked", Decision("mal/ory"))
    assert read_decisions(path).blocked == (Decision("eve/spam"),)
    assert "# told twice" in path.read_text()


def test_a_file_of_comments_alone_keeps_them(path):
    path.write_text("# nothing yet\n")
    record_decision(path, "blocked", Decision("ada/ops"))
    assert path.read_text() == "# nothing yet\nblocked:\n- repository: ada/ops\n"


def test_to_lift_what_was_never_decided_changes_nothing(path):
    assert lift_decision(path, "blocked", SPAM) is False
    assert not path.exists()


BROKEN = {
    "no YAML": ("blocked: [\n", "line 2, cannot be read"),
    "an unknown kind": ("bloked:\n- a/b\n", "bloked is not a kind of decision. Known are approved, blocked, deleted"),
    "an unknown field": ("blocked:\n- a/b\n- repository: c/d\n  id: github:1\n  because: x\n", "blocked, entry 2"),
    "a time without a zone": ("deleted:\n- repository: a/b\n  at: 2026-01-01 00:00:00\n", "deleted, entry 1"),
    "a text for a list": ("approved: a/b\n", "approved: give owner/name"),
    "a list at the top": ("- a/b\n", "it must hold lists under approved, blocked, deleted"),
    "a key twice": ("blocked: []\nblocked: []\n", "cannot be read"),
    "no UTF-8": (b"\xff\xfe\xfa", "cannot be read"),
}


@pytest.mark.parametrize(("content", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_named_with_what_is_wrong_and_never_written_over(path, content, said):
    before = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(before)
    for attempt in (
        lambda: read_decisions(path),
        lambda: record_decision(path, "blocked", SPAM),
        lambda: lift_decision(path, "blocked", SPAM),
    ):
        with pytest.raises(DecisionsError, match="Correct it by hand") as error:
            attempt()
        assert said in str(error.value)
        assert str(path) in str(error.value)
    assert path.read_bytes() == before


def test_decisions_that_are_made_at_once_are_all_kept(path):
    names = [f"ada/r{number}" for number in range(12)]
    threads = [threading.Thread(target=record_decision, args=(path, "blocked", Decision(name))) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(each.repository for each in read_decisions(path).blocked) == sorted(names)


def test_a_decision_waits_for_another_and_says_so_when_it_takes_too_long(path, monkeypatch):
    monkeypatch.setattr(decisions, "LOCK_SECONDS", 0.05)
    with locked(path, 1), pytest.raises(BusyError):
        record_decision(path, "blocked", SPAM)
    assert not path.exists()
