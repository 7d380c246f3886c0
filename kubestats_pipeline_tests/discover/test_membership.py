"""What a discovery changes in the rows of `repositories`."""

import dataclasses
import datetime
from collections import Counter

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from kubestats_pipeline.discover import membership
from kubestats_pipeline.discover.addresses import url_identity
from kubestats_pipeline.discover.decisions import Decision, Decisions
from kubestats_pipeline.discover.membership import MISSES, Sighting, absent
from kubestats_pipeline.discover.records import FoundRepository
from kubestats_pipeline.discover.rules import Policy
from kubestats_pipeline.lake.lake import to_frame
from kubestats_pipeline.lake.tables import REPOSITORIES

MONDAY = datetime.datetime(2025, 6, 2, 12, tzinfo=datetime.UTC)
TUESDAY = MONDAY + datetime.timedelta(days=1)
WEDNESDAY = MONDAY + datetime.timedelta(days=2)
SUNDAY = MONDAY + datetime.timedelta(days=6)
NOTHING = to_frame(REPOSITORIES, [])


def merge(known, found, now, *, policy=None, **learnt):
    return membership.merge(known, Sighting(tuple(found), **learnt), now, policy)


def on_github(number: int, full_name: str = "ada/ops", *tags: str, **facts) -> FoundRepository:
    owner, name = full_name.split("/")
    return FoundRepository(
        repository_id=f"github:{number}",
        host="github.com",
        full_name=full_name,
        owner=owner,
        name=name,
        clone_url=f"https://github.com/{full_name}.git",
        discovery_tags=tags or ("kubesearch",),
        **facts,
    )


def on_disk(digits: str, path: str) -> FoundRepository:
    owner, name = path.split("/")[-2:]
    return FoundRepository(
        repository_id=f"git:{digits}",
        host="local",
        full_name=f"local/{owner}/{name}",
        owner=owner,
        name=name,
        clone_url=f"file://{path}",
        discovery_tags=("list",),
    )


def rows_by_id(frame: pl.DataFrame) -> dict:
    return {row["repository_id"]: row for row in frame.iter_rows(named=True)}


def decided(frame: pl.DataFrame, repository_id: str, **columns) -> pl.DataFrame:
    chosen = pl.col("repository_id") == repository_id
    changes = [
        pl.when(chosen).then(pl.lit(value)).otherwise(pl.col(name)).alias(name) for name, value in columns.items()
    ]
    return frame.with_columns(changes)


def test_a_new_repository_is_active_from_now_on():
    row = rows_by_id(merge(NOTHING, [on_github(1, description="mine")], MONDAY))["github:1"]
    assert (row["status"], row["status_reason"], row["retired_at"]) == ("active", None, None)
    assert row["retired_because"] is None
    assert row["discovered_at"] == row["last_seen_at"] == MONDAY
    assert (row["description"], row["topics"], row["discovery_tags"]) == ("mine", [], ["kubesearch"])


def test_a_second_sight_renews_the_facts_and_keeps_the_first_discovery():
    known = merge(NOTHING, [on_github(1, description="old", topics=("a",))], MONDAY)
    row = rows_by_id(merge(known, [on_github(1, description=None, topics=("b",), is_archived=True)], TUESDAY))[
        "github:1"
    ]
    assert (row["description"], row["topics"], row["is_archived"]) == (None, ["b"], True)
    assert (row["discovered_at"], row["last_seen_at"]) == (MONDAY, TUESDAY)


def test_the_tags_of_all_discoveries_are_united_in_order():
    known = merge(NOTHING, [on_github(1, "ada/ops", "kubesearch"), on_github(1, "ada/ops", "list")], MONDAY)
    assert rows_by_id(known)["github:1"]["discovery_tags"] == ["kubesearch", "list"]
    again = merge(known, [on_github(1, "ada/ops", "k8s-at-home")], TUESDAY)
    assert rows_by_id(again)["github:1"]["discovery_tags"] == ["k8s-at-home", "kubesearch", "list"]


def test_what_is_not_found_stays_as_it_is():
    known = merge(NOTHING, [on_github(1, "ada/ops"), on_github(2, "bob/ops")], MONDAY)
    merged = merge(known, [on_github(1, "ada/ops")], TUESDAY)
    assert rows_by_id(merged)["github:2"] == rows_by_id(known)["github:2"]


def policy(**decisions):
    return Policy(Decisions(**{kind: tuple(found) for kind, found in decisions.items()}))


SPAM = policy(blocked=[Decision("ada/ops", "github:1", "spam")])


def test_decisions_about_a_repository_outlive_its_next_discovery_and_its_name():
    known = merge(NOTHING, [on_github(1)], MONDAY, policy=SPAM)
    row = rows_by_id(merge(known, [on_github(1, "ada/other")], TUESDAY, policy=SPAM))["github:1"]
    assert (row["full_name"], row["status"], row["status_reason"]) == ("ada/other", "blocked", "spam")
    row = rows_by_id(merge(known, [on_github(1)], TUESDAY))["github:1"]
    assert (row["status"], row["status_reason"]) == ("active", None)


def test_who_takes_the_name_that_a_blocked_repository_gave_up_is_not_blocked():
    known = merge(NOTHING, [on_github(1)], MONDAY, policy=SPAM)
    rows = rows_by_id(merge(known, [on_github(1, "ada/other"), on_github(2, "ada/ops")], TUESDAY, policy=SPAM))
    assert (rows["github:1"]["status"], rows["github:2"]["status"]) == ("blocked", "active")


def test_a_decision_by_name_alone_follows_the_repository_to_its_next_name():
    named = policy(blocked=[Decision("Ada/Ops")])
    known = merge(NOTHING, [on_github(1)], MONDAY, policy=named)
    row = rows_by_id(merge(known, [on_github(1, "ada/other")], TUESDAY, policy=named))["github:1"]
    assert (row["previous_names"], row["status"]) == (["ada/ops"], "blocked")


def test_a_deleted_repository_is_a_tombstone_that_no_discovery_fills_again():
    known = merge(NOTHING, [on_github(1, description="mine", topics=("kubesearch",))], MONDAY)
    gone = policy(deleted=[Decision("ada/ops", "github:1", "the owner asked", TUESDAY)])
    for found in ([], [on_github(1, description="mine")]):
        known = merge(known, found, WEDNESDAY, policy=gone)
        row = rows_by_id(known)["github:1"]
        told = (row["status"], row["status_reason"], row["retired_at"], row["description"], row["topics"])
        assert told == ("retired", "deleted by the administrator: the owner asked", TUESDAY, None, [])
        assert row["retired_because"] == "deleted"
    assert rows_by_id(merge(known, [on_github(2)], WEDNESDAY, policy=gone))["github:2"]["status"] == "retired"
    back = rows_by_id(merge(known, [on_github(1, description="mine")], WEDNESDAY))["github:1"]
    assert (back["status"], back["retired_at"], back["description"]) == ("active", None, "mine")
    assert back["retired_because"] is None


def test_a_large_repository_waits_for_an_approval_or_a_higher_limit():
    def at(limit, *approved):
        rules = Policy(Decisions(approved=tuple(Decision("ada/ops", identity) for identity in approved)), limit)
        row = rows_by_id(merge(NOTHING, [on_github(1, size_kb=250_000)], MONDAY, policy=rules))["github:1"]
        return row["status"], row["status_reason"], row["is_approved"]

    held = "250 MB on its host are more than max_repository_mb = 200. Approve it, or raise the setting"
    assert at(200) == ("pending_approval", held, None)
    assert at(250) == ("active", None, None)
    assert at(200, "github:1") == ("active", None, True)
    assert at(200, "github:2") == ("pending_approval", held, None)


def test_what_waits_for_an_approval_waits_on_while_its_size_is_not_told():
    known = merge(NOTHING, [on_github(1, size_kb=250_000)], MONDAY, policy=Policy(max_mb=200))
    assert rows_by_id(merge(known, [], TUESDAY, policy=Policy(max_mb=200)))["github:1"]["status"] == "pending_approval"


def missed(known, days, **learnt):
    for number in range(days):
        now = MONDAY + datetime.timedelta(days=number + 1)
        known = merge(known, [], now, missed=frozenset({"github:1"}), **learnt)
    return known


def test_absence_alone_never_retires():
    row = rows_by_id(missed(merge(NOTHING, [on_github(1)], MONDAY), MISSES + 5))["github:1"]
    assert (row["status"], row["missed_searches"]) == ("active", MISSES + 5)


def test_absence_that_the_host_confirms_retires_and_only_the_host_brings_back():
    known = merge(NOTHING, [on_github(1)], MONDAY)
    gone = {"github:1": "GitHub answers 404"}
    assert rows_by_id(missed(known, MISSES - 1, gone=gone))["github:1"]["status"] == "active"
    known = missed(known, MISSES, gone=gone)
    row = rows_by_id(known)["github:1"]
    assert (row["status"], row["status_reason"], row["retired_because"]) == ("retired", "GitHub answers 404", "gone")
    assert rows_by_id(merge(known, [on_github(1)], SUNDAY))["github:1"]["status"] == "retired"
    back = rows_by_id(merge(known, [on_github(1)], SUNDAY, confirmed=frozenset({"github:1"})))["github:1"]
    assert (back["status"], back["retired_at"], back["discovered_at"]) == ("active", None, MONDAY)


def test_to_be_found_again_ends_the_counting():
    known = missed(merge(NOTHING, [on_github(1)], MONDAY), MISSES - 1)
    assert rows_by_id(merge(known, [on_github(1)], SUNDAY))["github:1"]["missed_searches"] is None


def test_only_a_complete_answer_about_a_topic_that_it_carries_makes_absence_count():
    known = merge(NOTHING, [on_github(1, topics=("kubesearch",)), on_disk("1" * 16, "/x/team/ops")], MONDAY)
    asked, nothing = frozenset({"kubesearch", "list"}), frozenset()
    assert absent(known, [], asked, asked) == {"github:1"}
    assert absent(known, ["github:1"], asked, asked) == nothing
    assert absent(known, [], asked, nothing) == nothing
    assert absent(known, [], frozenset({"list"}), frozenset({"list"})) == nothing
    lost = merge(known, [dataclasses.replace(on_github(1, topics=("other",)), discovery_tags=())], TUESDAY)
    assert rows_by_id(lost)["github:1"]["topic_lost_at"] == TUESDAY
    assert absent(lost, [], asked, asked) == nothing
    regained = merge(lost, [on_github(1, topics=("kubesearch",))], WEDNESDAY)
    assert rows_by_id(regained)["github:1"]["topic_lost_at"] is None


def test_a_repository_that_the_list_and_its_host_tell_of_is_one():
    def listed():
        return dataclasses.replace(
            on_disk("0" * 16, "/x/ada/ops"),
            repository_id=url_identity("https://gitlab.com/ada/ops"),
            clone_url="git@gitlab.com:ada/ops.git",
            host="gitlab.com",
            full_name="gitlab.com/ada/ops",
        )

    def searched():
        url = "https://gitlab.com/ada/ops.git"
        fields = {"host": "gitlab.com", "full_name": "gitlab.com/ada/ops", "clone_url": url, "stars_count": 7}
        return dataclasses.replace(on_github(5), repository_id="gitlab:5", **fields)

    at_once = merge(NOTHING, [listed(), searched()], MONDAY)
    assert at_once["repository_id"].to_list() == ["gitlab:5"]
    assert merge(at_once, [listed()], TUESDAY)["repository_id"].to_list() == ["gitlab:5"]
    listed_first = merge(merge(NOTHING, [listed()], MONDAY), [listed(), searched()], TUESDAY)
    assert listed_first["repository_id"].to_list() == [listed().repository_id]
    assert rows_by_id(listed_first)[listed().repository_id]["discovery_tags"] == ["kubesearch", "list"]


def test_a_retired_repository_stays_retired_when_a_stale_search_still_shows_it():
    known = merge(NOTHING, [on_github(1)], MONDAY)
    gone = {"status_reason": "GitHub says 404", "retired_because": "gone", "retired_at": MONDAY}
    known = decided(known, "github:1", status="retired", **gone)
    row = rows_by_id(merge(known, [on_github(1)], TUESDAY))["github:1"]
    assert (row["status"], row["status_reason"], row["retired_at"]) == ("retired", "GitHub says 404", MONDAY)


def test_a_rename_moves_the_name_and_keeps_the_row():
    known = merge(NOTHING, [on_github(1, "ada/ops")], MONDAY)
    merged = merge(known, [on_github(1, "ada/home-ops")], TUESDAY)
    assert merged.height == 1
    row = rows_by_id(merged)["github:1"]
    assert (row["full_name"], row["name"], row["status"]) == ("ada/home-ops", "home-ops", "active")


def test_repositories_that_swap_their_names_both_stay_active():
    known = merge(NOTHING, [on_github(1, "ada/old"), on_github(2, "ada/new")], MONDAY)
    rows = rows_by_id(merge(known, [on_github(1, "ada/new"), on_github(2, "ada/old")], TUESDAY))
    assert [(rows[key]["full_name"], rows[key]["status"]) for key in sorted(rows)] == [
        ("ada/new", "active"),
        ("ada/old", "active"),
    ]


def test_a_name_that_is_used_again_retires_its_earlier_holder():
    known = merge(NOTHING, [on_github(1, "ada/ops")], MONDAY)
    rows = rows_by_id(merge(known, [on_github(2, "ada/ops")], TUESDAY))
    assert rows["github:2"]["status"] == "active"
    assert rows["github:1"]["status"] == "retired"
    assert rows["github:1"]["status_reason"] == "its name now belongs to github:2"
    assert rows["github:1"]["retired_because"] == "name_taken"
    assert rows["github:1"]["retired_at"] == TUESDAY


def test_a_repository_that_lost_its_name_comes_back_under_its_new_one():
    known = merge(NOTHING, [on_github(1, "ada/ops")], MONDAY)
    known = merge(known, [on_github(2, "ada/ops")], TUESDAY)
    row = rows_by_id(merge(known, [on_github(1, "ada/moved")], WEDNESDAY))["github:1"]
    assert (row["full_name"], row["status"], row["status_reason"], row["retired_at"]) == (
        "ada/moved",
        "active",
        None,
        None,
    )


def test_of_two_that_claim_one_name_at_once_the_newer_number_has_it_however_often_asked():
    claims = [on_github(20, "ada/ops"), on_github(3, "ada/ops")]
    known = merge(NOTHING, claims, MONDAY)
    again = merge(known, claims, TUESDAY)
    for frame in (known, again):
        rows = rows_by_id(frame)
        assert (rows["github:3"]["status"], rows["github:20"]["status"]) == ("retired", "active")
        assert rows["github:3"]["retired_at"] == MONDAY


def test_deleting_and_recreating_a_blocked_repository_does_not_lift_the_block():
    known = merge(NOTHING, [on_github(1)], MONDAY, policy=SPAM)
    known = merge(known, [on_github(2)], TUESDAY, policy=SPAM)
    rows = rows_by_id(known)
    assert (rows["github:2"]["status"], rows["github:2"]["status_reason"]) == ("blocked", "spam")
    assert rows["github:1"]["status_reason"] == "its name now belongs to github:2"
    assert rows["github:1"]["retired_because"] == "name_taken"
    assert (rows["github:1"]["full_name"], rows["github:1"]["previous_names"]) == ("ada/ops~1", ["ada/ops"])
    moved = rows_by_id(merge(known, [on_github(1, "ada/moved")], WEDNESDAY, policy=SPAM))["github:1"]
    assert (moved["status"], moved["previous_names"]) == ("blocked", ["ada/ops"])


def test_folders_of_the_same_name_get_names_of_their_own_in_path_order():
    found = [on_disk("bbbbbb22", "/z/team/ops"), on_disk("aaaaaa11", "/a/team/ops")]
    rows = rows_by_id(merge(NOTHING, found, MONDAY))
    assert rows["git:aaaaaa11"]["full_name"] == "local/team/ops"
    assert rows["git:bbbbbb22"]["full_name"] == "local/team/ops~bbbbbb"
    assert rows["git:bbbbbb22"]["name"] == "ops~bbbbbb"


def test_a_folder_keeps_its_name_when_another_of_the_same_name_is_added_before_it():
    first, second = on_disk("bbbbbb22", "/z/team/ops"), on_disk("aaaaaa11", "/a/team/ops")
    known = merge(NOTHING, [first], MONDAY)
    merged = merge(known, [first, second], TUESDAY)
    again = merge(merged, [second], WEDNESDAY)
    for frame in (merged, again):
        rows = rows_by_id(frame)
        assert rows["git:bbbbbb22"]["full_name"] == "local/team/ops"
        assert rows["git:aaaaaa11"]["full_name"] == "local/team/ops~aaaaaa"


def test_an_answer_of_the_list_keeps_its_facts_when_a_search_finds_the_same_repository():
    listed = on_github(1, "ada/ops", "list", license_name="MIT")
    row = rows_by_id(merge(NOTHING, [listed, on_github(1, "ada/ops", "kubesearch")], MONDAY))["github:1"]
    assert (row["license_name"], row["discovery_tags"]) == ("MIT", ["kubesearch", "list"])


FOUND = st.lists(
    st.one_of(
        st.builds(on_github, st.integers(1, 5), st.sampled_from(["ada/a", "ada/b", "bob/a"])),
        st.builds(on_disk, st.sampled_from(["1" * 16, "2" * 16, "3" * 16]), st.just("/x/team/ops")),
    ),
    max_size=6,
)


@settings(deadline=None)
@given(st.lists(FOUND, max_size=4))
def test_names_stay_unique_nobody_is_lost_and_a_repetition_changes_only_the_clock(discoveries):
    known = NOTHING
    for number, found in enumerate(discoveries):
        now = MONDAY + datetime.timedelta(hours=number)
        merged = merge(known, found, now)
        assert set(known["repository_id"]) <= set(merged["repository_id"])
        names = Counter(merged["full_name"])
        assert all(count == 1 for count in names.values())
        repeated = merge(merged, found, now + datetime.timedelta(minutes=1))
        assert repeated.drop("last_seen_at").equals(merged.drop("last_seen_at"))
        known = merged


def test_the_order_of_the_sources_answers_does_not_matter_for_names():
    found = [on_github(number, "ada/ops") for number in (5, 1, 9)] + [on_disk("c" * 16, "/x/team/ops")]
    assert merge(NOTHING, found, MONDAY).equals(merge(NOTHING, found[::-1], MONDAY))
