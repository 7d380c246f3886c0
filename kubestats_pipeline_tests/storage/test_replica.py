"""A bucket has all that is known, and every machine a copy. Of several writers one wins."""

from pathlib import Path

import pytest

from kubestats_pipeline.storage.bucket import LakeBucket, StoreError
from kubestats_pipeline.storage.names import INDEX, PACK
from kubestats_pipeline.storage.objects import StaleError
from kubestats_pipeline.storage.replica import Replica
from kubestats_pipeline_tests.storage.races import Takes, put_new, put_unchanged, winners_of
from kubestats_pipeline_tests.storage.s3_server import S3Server

ONE, SNAPSHOT = "lake/resources/repository=a/part.parquet", "lake/snapshots/repository=a/part.parquet"


@pytest.fixture
def here(bucket: str, tmp_path: Path) -> Replica:
    return joined(tmp_path / "here", bucket)


@pytest.fixture
def there(here: Replica, bucket: str, tmp_path: Path) -> Replica:
    return joined(tmp_path / "there", bucket)


def joined(data_dir: Path, bucket: str) -> Replica:
    """A machine that has looked into the bucket once."""
    replica = Replica(data_dir, LakeBucket(bucket))
    replica.pull()
    return replica


def content(replica: Replica, name: str) -> bytes:
    with replica.read(name) as stream:
        return stream.read()


def test_what_one_machine_writes_the_other_reads_after_a_look(here: Replica, there: Replica) -> None:
    here.put("lake/redacted_by", b"rules")
    here.put(ONE, b"rows")
    assert not there.exists(ONE)
    there.pull()
    assert content(there, ONE) == b"rows"
    here.move(ONE, ONE.replace("=a", "=b"))
    there.pull()
    assert there.list("lake/res") == here.list("lake/res") == [ONE.replace("=a", "=b")]
    here.delete(ONE.replace("=a", "=b"))
    there.pull()
    assert there.list("lake/") == ["lake/redacted_by"]


def test_the_second_of_two_writers_learns_that_it_is_late(here: Replica, there: Replica) -> None:
    here.put(ONE, b"of one")
    with pytest.raises(StaleError, match="by another machine"):
        there.put(ONE, b"of another")
    assert content(there, ONE) == b"of one"
    there.put(ONE, b"of another, who has looked again")
    with pytest.raises(StaleError, match="by another machine"):
        here.delete(ONE)
    assert here.fetch(ONE)[0] == b"of another, who has looked again"


def test_a_write_whose_answer_was_lost_counts(here: Replica, there: Replica) -> None:
    here.put(ONE, b"the same")
    there.put(ONE, b"the same")
    assert there.is_current(ONE)


@pytest.mark.parametrize("takes", [put_new, put_unchanged])
def test_of_several_processes_exactly_one_wins(here: Replica, takes: Takes) -> None:
    assert winners_of(here, takes, races=10) == [1] * 10


def test_what_each_sweep_replaces_goes_as_one_object_at_its_end(here: Replica, there: Replica, bucket: str) -> None:
    names = [SNAPSHOT.replace("=a", f"=a{number}") for number in range(30)]
    for name in names:
        here.put(name, name.encode())
    assert LakeBucket(bucket).list("") == {}
    here.push()
    assert list(LakeBucket(bucket).list("")) == [f"known/{PACK}"]
    there.pull()
    assert [content(there, name) for name in names] == [name.encode() for name in names]
    there.put(names[3], b"newer")
    there.delete(names[4])
    there.push()
    here.pull()
    assert content(here, names[3]) == b"newer"
    assert here.list("lake/") == sorted({*names} - {names[4]})


def test_an_older_state_never_takes_the_place_of_a_younger_one(here: Replica, there: Replica) -> None:
    here.put(SNAPSHOT, b"first")
    here.push()
    there.pull()
    here.put(SNAPSHOT, b"seen early")
    there.put(SNAPSHOT, b"seen late")
    there.put(SNAPSHOT.replace("=a", "=b"), b"of another repository")
    there.push()
    here.put(SNAPSHOT.replace("=a", "=c"), b"of a third one")
    here.push()
    there.pull()
    found = {name[len("lake/snapshots/repository=")]: content(there, name) for name in there.list("lake/")}
    assert found == {"a": b"seen late", "b": b"of another repository", "c": b"of a third one"}
    assert content(here, SNAPSHOT) == b"seen late"


def test_a_copy_that_is_damaged_or_deleted_is_fetched_again(here: Replica) -> None:
    here.put(ONE, b"rows")
    here.put(SNAPSHOT, b"state")
    here.push()
    here.local_path(ONE).write_bytes(b"")
    here.local_path(SNAPSHOT).unlink()
    here.pull()
    assert (content(here, ONE), content(here, SNAPSHOT)) == (b"rows", b"state")
    (here.folder.root / INDEX).unlink()
    here.pull()
    here.put(ONE, b"newer")
    (here.folder.root / INDEX).unlink()
    here.local_path(ONE).write_bytes(b"of another lake")
    with pytest.raises(StoreError, match=r"has a lake, and .* has another one"):
        here.pull()
    assert content(here, ONE) == b"of another lake"


def test_an_edit_of_the_administrator_s_file_goes_to_all(here: Replica, there: Replica) -> None:
    here.local_path("decisions.yaml").write_text("blocked: [ada/ops]\n")
    here.pull()
    there.pull()
    assert content(there, "decisions.yaml") == b"blocked: [ada/ops]\n"
    here.local_path("decisions.yaml").write_text("blocked: []\n")
    there.local_path("decisions.yaml").write_text("approved: []\n")
    here.pull()
    with pytest.raises(StoreError, match=r"was edited here, and on another machine too\. Move yours away"):
        there.pull()
    assert there.local_path("decisions.yaml").read_text() == "approved: []\n"


def test_an_empty_bucket_takes_over_the_lake_of_a_machine(bucket: str, tmp_path: Path) -> None:
    first, second = Replica(tmp_path / "old", LakeBucket(bucket)), Replica(tmp_path / "other", LakeBucket(bucket))
    for replica in (first, second):
        for name in (ONE, SNAPSHOT, "decisions.yaml", "archive/events/a", "moving/1/mirror.git/HEAD", "git/a/HEAD"):
            replica.folder.put(name, name.encode())
    first.pull()
    assert {*LakeBucket(bucket).list("")} == {
        f"known/{name}" for name in (ONE, PACK, "decisions.yaml", "archive/events/a")
    }
    second.folder.put(ONE, b"of another lake")
    with pytest.raises(StoreError, match=r"has a lake, and .* has another one"):
        second.pull()
    assert content(second, ONE) == b"of another lake"
    third = joined(tmp_path / "third", bucket)
    assert (content(third, ONE), content(third, SNAPSHOT)) == (ONE.encode(), SNAPSHOT.encode())


def test_files_that_nobody_has_put_are_refused(here: Replica) -> None:
    here.put(ONE, b"rows")
    here.folder.put(ONE.replace("=a", "=b"), b"of whom?")
    with pytest.raises(StoreError, match="Move it away"):
        here.pull()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "not-the-right-one"}, r"\(SignatureDoesNotMatch\). Look at the credentials"),
        ({"AWS_ACCESS_KEY_ID": "nobody-we-know"}, r"\(InvalidAccessKeyId\). Look at the credentials"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, r"\(no answer\). See that the address is right"),
    ],
)
def test_a_wrong_key_or_address_is_one_line_without_it(
    here: Replica, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], told: str
) -> None:
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match=told) as caught:
        Replica(tmp_path / "wrong", LakeBucket(bucket)).pull()
    assert "\n" not in str(caught.value)
    assert not any(secret in str(caught.value) for secret in ("not-the-right-one", "nobody-we-know", "a-secret"))


def test_who_may_only_read_is_told_so_and_nothing_is_written_here(
    here: Replica, bucket: str, tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.put(ONE, b"rows")
    for name, value in s3.environment("reader").items():
        monkeypatch.setenv(name, value)
    reader = joined(tmp_path / "reader", bucket)
    with pytest.raises(StoreError, match=r"cannot write .* \(AccessDenied\). Look at the credentials"):
        reader.put(ONE, b"mine")
    assert content(reader, ONE) == b"rows"


def test_a_bucket_that_was_emptied_takes_nothing_along(here: Replica, bucket: str) -> None:
    here.put(ONE, b"rows")
    here.put(SNAPSHOT, b"state")
    here.push()
    store = LakeBucket(bucket)
    for key in store.list(""):
        store.delete(key)
    with pytest.raises(StoreError, match=r"is empty, and .* has what was in it\. Put that back by deleting"):
        here.pull()
    assert (content(here, ONE), content(here, SNAPSHOT)) == (b"rows", b"state")
    (here.folder.root / INDEX).unlink()
    here.pull()
    assert {*store.list("")} == {f"known/{ONE}", f"known/{PACK}"}


def test_a_bucket_that_is_gone_loses_nothing_here(s3: S3Server, tmp_path: Path) -> None:
    here = joined(tmp_path / "here", s3.make_bucket("passing"))
    here.put(ONE, b"rows")
    here.put(SNAPSHOT, b"state")
    here.push()
    here.put(SNAPSHOT, b"newer")
    s3.remove_bucket("passing")
    with pytest.raises(StoreError, match=r"\(NoSuchBucket\). The bucket does not exist. Make it, or correct lake_url"):
        here.pull()
    with pytest.raises(StoreError, match=r"\(NoSuchBucket\)"):
        here.put(ONE, b"more")
    with pytest.raises(StoreError, match=r"\(NoSuchBucket\)"):
        here.delete(ONE)
    with pytest.raises(StoreError, match=r"\(NoSuchBucket\)"):
        here.push()
    assert (content(here, ONE), content(here, SNAPSHOT)) == (b"rows", b"newer")
