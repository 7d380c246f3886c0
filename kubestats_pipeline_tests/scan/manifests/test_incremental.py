"""A file that is read as an edit of its version before says what it says when it is read alone."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kubestats_pipeline.git.blobs import BlobReader
from kubestats_pipeline.git.history import walk
from kubestats_pipeline.scan.documents.document import Bounds, Decoded
from kubestats_pipeline.scan.documents.number_spelling import written_numbers
from kubestats_pipeline.scan.manifests import incremental
from kubestats_pipeline.scan.manifests.files import BlobKey, FileVersion
from kubestats_pipeline.scan.manifests.incremental import IncrementalReader
from kubestats_pipeline.scan.manifests.manifests import read_file, read_with_documents
from kubestats_pipeline_tests.corpus import LARGER, LARGEST, SMALL, read_tip, unpack
from kubestats_pipeline_tests.scan.documents.mutations import POSITIONS, TOKENS, damaged

RELEASE = """\
---
# yaml-language-server: $schema=https://example.org/helmrelease_v2.json
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: &app sonarr
spec:
  chart:
    spec:
      chart: app-template
      version: 3.1.0 # a comment
      sourceRef:
        kind: HelmRepository
        name: bjw-s
  values:
    controllers:
      main:
        containers:
          app:
            image:
              repository: ghcr.io/onedr0p/sonarr
              tag: "4.0.1"
            env:
              - name: TZ
                value: Europe/Berlin
              - name: SONARR__API_KEY
                value: hunter2hunter2
            probes: &probes
              enabled: true
              tag: 1.10
              spec: &spec
                periodSeconds: 10
            liveness: *probes
    service:
      main:
        controller: *app
        ports:
          http:
            port: &port 8989
    startup: {spec: *spec}
    list:
    - one: 1
    - two: 2
    base: &base
      s: 1
      a: {b: 1}
      c:
        d: 1
      e:
        f: 1
    merged:
      <<: *base
      c:
        d: 2
    script: |
      tag: 1
      echo "version: 2"
    doubled:
      size: 1
      size: 2
    overwritten:
      twice:
        x: 1
      twice:
        x: 2
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  version: 1.10
  replicas: 3
  text: "several
  lines: 1"
---
apiVersion: v1
kind: Secret
metadata:
  name: secret
data:
  note: bm90aGluZw
stringData:
  note: nothing
"""

LOCAL = [
    ("version: 3.1.0 # a comment", "version: 3.2.0"),
    ("version: 1.10", "version: 1.20"),
    ("version: 1.10", 'version: "1.10"'),
    ('tag: "4.0.1"', "tag: 4.10 # newer"),
    ("repository: ghcr.io/onedr0p/sonarr", "repository: ghcr.io/home-operations/sonarr"),
    ("value: Europe/Berlin", "value: UTC"),
    ("- name: TZ", "- name: PASSWORD"),
    ("helmrelease_v2.json", "helmrelease.json"),
    ("# yaml-language-server", "# first\n# yaml-language-server"),
    ("              - name: TZ\n                value: Europe/Berlin\n", ""),
    ("port: &port 8989", "port: &port 8989\n            protocol: TCP"),
    ("port: &port 8989", "port: &port 8990"),
    ("port: &port 8989", "port: &other {x: 1}\n            copy: *other"),
    ("port: &port 8989", "port: 1.10"),
    ("apiVersion: helm.toolkit.fluxcd.io/v2\n", "apiVersion: helm.toolkit.fluxcd.io/v2beta2\n"),
    ("_v2.json\napiVersion: helm.toolkit.fluxcd.io/v2\n", "_v3.json\napiVersion: helm.toolkit.fluxcd.io/v3\n"),
    ("              enabled: true", "              enabled: false"),
    ("              tag: 1.10\n", "              tag: 1.20 # in both\n"),
    ("periodSeconds: 10", "periodSeconds: 20"),
    ("    startup: {spec: *spec}", "    startup:\n      tag: 1.10\n      spec: *spec"),
    ("        f: 1", "        f: 2"),
    ("controller: *app", "controller: *app\n        type: LoadBalancer"),
    ("      main:\n        controller: *app", "      extra: {}\n      main:\n        controller: *app"),
    ("  replicas: 3", "  replicas: 4\n  more: 1"),
    ("note: bm90aGluZw", "note: c29tZXRoaW5n"),
    ("note: nothing", "note: something\n  password: hunter3hunter3"),
    ("    - one: 1", "    - one: 5"),
]
"""Small edits of lines that can be read without the rest."""

WIDER = [
    ("      size: 1", "      size: 9"),
    ("        f: 1", "        f: 1\n        g: 1"),
    ("name: &app sonarr", "name: &app radarr"),
    ("name: &app sonarr", "name: &port sonarr"),
    ("      s: 1", "      s: 2"),
    ("liveness: *probes", "liveness:\n              <<: *probes"),
    ("spec: &spec", "spec: &spec2"),
    ("    - one: 1\n", "    - one: 1\n      <<: *spec\n"),
    ("            liveness: *probes\n", ""),
    ("            liveness: *probes\n", "            liveness: *probes\n            readiness: *probes\n"),
    ("    controllers:\n", "    tag: 1.10\n    controllers:\n"),
    ("    controllers:\n", "    inserted:\n      tag: 1.10\n      deeper:\n        version: 1.0\n    controllers:\n"),
    ("      c:\n        d: 2", "      c:\n        d: 3"),
    ("      <<: *base\n      c:", "      <<: *base\n      a:"),
    ("      twice:\n        x: 1", "      twice:\n        x: 7"),
    ("      twice:\n        x: 2", "      thrice:\n        x: 2"),
    ("      tag: 1\n", "      tag: 3\n"),
    ("---\napiVersion: v1\nkind: Secret", "# last\n---\n# of all\napiVersion: v1\nkind: Secret"),
]
"""Small edits of lines that cannot: they concern anchors, merges, keys that are overwritten, or whole documents."""

LINES = st.sampled_from(
    [
        "",
        "# note",
        "  tag: 1.10",
        "      version: 3.2.0",
        "      version: 0x1F",
        "      version: '3.2.0'",
        "              tag: v2@sha256:0123",
        "              tag: *app",
        "              tag: &app x",
        "                value: other",
        "              - name: PASSWORD",
        "              - name: B",
        "            - name: B",
        "            port: *port",
        "            port: &port 9000",
        "            port: &port true",
        "      <<: *base",
        "      c:",
        "        d: 1",
        "      s: 2",
        "              enabled: false",
        "              tag: 1.20",
        "            readiness: *probes",
        "              <<: *probes",
        "            probes: &probes",
        "            spec: &spec {a: 1}",
        "    spec: *spec",
        "    - three: 3",
        "    twice: x",
        "  replicas: 1e3",
        "  ? a",
        "  : b: 1",
        "...",
        "---",
        "%YAML 1.1",
        "\ttab: 1",
        "  text: [1,",
        "  2]",
        '  text: "open',
        "  key: value: other",
        "  password: secret",
        "kind: Secret",
        "    values:",
        "        !!map",
        "    list: !!seq",
        "            enabled: &probes yes",
        "  - item",
        "  long: " + "x" * 190,
    ]
)
edits = st.tuples(st.integers(0, 70), st.integers(0, 3), st.lists(LINES, max_size=3))

everyday = settings(max_examples=400, deadline=None, derandomize=True, phases=[Phase.generate])
long = settings(
    max_examples=20_000, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow]
)


def misread(blobs: Iterable[bytes], bounds: Bounds | None = None) -> list[str]:
    """What is wrong where versions are read one after another, as edits, and not each alone."""
    reader, bounds = IncrementalReader(bounds or Bounds(), 0), bounds or Bounds()
    wrong = []
    for number, blob in enumerate(blobs):
        content, fresh = read_with_documents(blob, "", bounds, with_blocks=True)
        if reader.read("a.yaml", blob, "") != content:
            wrong.append(f"what version {number} says")
        if "a.yaml" in reader._last:
            documents = [each.decoded for each in reader._last["a.yaml"].documents]
            if [described(each) for each in documents] != [described(each.decoded) for each in fresh]:
                wrong.append(f"what is known of version {number}")
            if not entries_of(documents) <= entries_of([each.decoded for each in fresh]):
                wrong.append(f"the entries of version {number}")
    return wrong


def entries_of(documents: list[Decoded]) -> set[str]:
    return {f"{number} {each}" for number, known in enumerate(documents) for each in known.blocks if each.entries}


def described(document: Decoded) -> tuple[Any, ...]:
    """What is known of a document, but for blocks whose entries may have been merged by an earlier version."""
    written = written_numbers(document, document.content)  # by the places of mappings instead of their ids
    blocks = [block for block in document.blocks if block.is_separable]
    return (document.content, document.line, document.first_line, document.nodes, written, document.anchors, blocks)


def edited(text: str, edit: tuple[int, int, list[str]]) -> str:
    at, removed, lines = edit
    old = text.split("\n")
    return "\n".join([*old[:at], *lines, *old[at + removed :]])


def edits_of(made: list[tuple[int, int, list[str]]]) -> list[bytes]:
    """Versions with one edit after the other, and back."""
    versions = [RELEASE]
    for edit in made:
        versions.append(edited(versions[-1], edit))
    return [version.encode() for version in [*versions, *reversed(versions)]]


@everyday
@given(st.lists(edits, min_size=1, max_size=5))
def test_edited_lines_mean_what_they_mean_in_the_whole_file(made: list[tuple[int, int, list[str]]]) -> None:
    assert not misread(edits_of(made))


@pytest.mark.slow
@long
@given(st.lists(edits, min_size=1, max_size=5))
def test_many_edited_lines_mean_what_they_mean_in_the_whole_file(made: list[tuple[int, int, list[str]]]) -> None:
    assert not misread(edits_of(made))


@pytest.fixture(scope="session")
def files(sample_repositories: Path) -> list[bytes]:
    repositories = sorted(sample_repositories.glob("*/*.git"))
    return [RELEASE.encode(), *(blob for each in repositories for blob in read_tip(each).values())]


def damages_of(files: list[bytes], data: st.DataObject) -> list[bytes]:
    """A file, a damaged one, and what stands between two positions of the first replaced."""
    whole = data.draw(st.sampled_from(files))
    at, token = int(data.draw(POSITIONS) * len(whole)), data.draw(TOKENS)
    broken = data.draw(damaged([whole], most=2))
    return [whole, broken, whole, whole[:at] + token + whole[at:], broken, whole]


@everyday
@given(st.data())
def test_damaged_files_say_what_they_say_alone(files: list[bytes], data: st.DataObject) -> None:
    assert not misread(damages_of(files, data))


@pytest.mark.slow
@long
@given(st.data())
def test_many_damaged_files_say_what_they_say_alone(files: list[bytes], data: st.DataObject) -> None:
    assert not misread(damages_of(files, data))


def test_of_what_is_gone_no_number_is_kept_as_it_was_written() -> None:
    reader = IncrementalReader(Bounds(), 0)
    for tag in ("1.10", "1.20", "x"):
        text = RELEASE.replace(
            "      main:\n        controller", f"      a:\n        tag: {tag}\n      main:\n        controller"
        )
        reader.read("a.yaml", text.encode(), "")
        reader.read("a.yaml", text.replace(f"tag: {tag}", f"tag: {tag}\n        b: 1").encode(), "")
    for document in reader._last["a.yaml"].documents:
        assert document.decoded.written.keys() <= {id(each) for each in incremental._mappings(document.decoded.content)}


def changed(text: str, old: str, new: str) -> str:
    """A text with a change made, or taken back where it was made."""
    return text.replace(old, new, 1) if old in text else text.replace(new, old, 1) if new else text


def changes_of(made: list[tuple[str, str]]) -> list[bytes]:
    versions = [RELEASE]
    for old, new in made:
        versions.append(changed(versions[-1], old, new))
    return [version.encode() for version in versions]


@pytest.mark.slow
@everyday
@given(st.lists(st.sampled_from(LOCAL + WIDER), min_size=10, max_size=25))
def test_one_small_edit_after_the_other_gives_what_the_whole_file_says(made: list[tuple[str, str]]) -> None:
    assert not misread(changes_of(made))


@pytest.mark.parametrize(("old", "new"), LOCAL)
def test_a_small_edit_is_read_without_the_rest_of_its_file(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert RELEASE.count(old) == 1
    blob = RELEASE.replace(old, new).encode()
    expected, reader = read_file(blob, "", Bounds()), IncrementalReader(Bounds(), 0)
    reader.read("a.yaml", RELEASE.encode(), "")
    with monkeypatch.context() as context:
        context.delattr(incremental, "read_with_documents")
        assert reader.read("a.yaml", blob, "") == expected
    assert reader.read("a.yaml", RELEASE.encode(), "") == read_file(RELEASE.encode(), "", Bounds())


def test_several_edits_at_once_may_make_anchors_come_and_go() -> None:
    anchored = RELEASE
    for old, new in (
        ('tag: "4.0.1"', "tag: &tag 4.1"),
        ("- name: TZ", "- name: &zone TZ"),
        ("port: &port 8989", "port: &p 8989"),
        ("- one: 1", "- one: &one {two: &two 2}"),
    ):
        assert anchored.count(old) == 1
        anchored = anchored.replace(old, new)
    referring = anchored.replace("&p 8989", "*zone").replace("&two 2", "*tag")
    texts = [RELEASE, anchored, anchored.replace("&p 8989", "&p 1"), referring, RELEASE, anchored, anchored + "\n# end"]
    assert not misread(text.encode() for text in [*texts, *reversed(texts)])


def test_what_was_read_before_stays_as_it_was() -> None:
    reader = IncrementalReader(Bounds(), 0)
    before = reader.read("a.yaml", RELEASE.encode(), "")
    reader.read("a.yaml", RELEASE.replace("3.1.0", "3.2.0").replace("TZ", "LANG").encode(), "")
    assert before == read_file(RELEASE.encode(), "", Bounds())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_versions_in_another_encoding_say_what_they_say_alone(encoding: str) -> None:
    texts = (RELEASE, RELEASE.replace("3.1.0", "3.2.0"), RELEASE.replace("# yaml", "# \u0a0a yaml"), RELEASE)
    assert not misread(text.encode(encoding) for text in texts)


@pytest.mark.parametrize("end", ["\r", "\x85", "\u2028", "\u2029"])
def test_other_ends_of_lines_count_as_they_do_in_the_whole_file(end: str) -> None:
    before = RELEASE.replace("version: 3.1.0 # a comment", f"version: 3.1.0 # a comment{end}      more: 1")
    after = before.replace("- name: TZ", "- name: LANG").replace("  replicas: 3", "  replicas: 4\n  more: 1")
    assert not misread(text.encode() for text in (RELEASE, before, after, before, RELEASE, after))


def test_what_a_merge_copies_is_read_with_it() -> None:
    merging = RELEASE.replace("    - one: 1\n", "    - one: 1\n      <<: *spec\n")
    texts = (RELEASE, merging, merging.replace("periodSeconds: 10", "periodSeconds: 20"), merging)
    assert not misread(text.encode() for text in texts)


def test_an_edit_may_make_a_file_too_complex() -> None:
    bounds = Bounds(max_nodes=160, max_depth=12)
    nested = "            image: " + "[" * 4 + "]" * 4
    longer = RELEASE.replace("            image:", "\n".join(f"            k{each}: 1" for each in range(120)))
    assert not misread([each.encode() for each in (RELEASE, longer, RELEASE, RELEASE + nested)], bounds)
    assert not misread([RELEASE.encode(), RELEASE.replace("port: &port", f"x: {'[' * 9}{']' * 9}\n").encode()], bounds)


def test_the_last_versions_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incremental, "KEPT_BYTES", 3 * len(RELEASE))
    reader = IncrementalReader(Bounds(), 0)
    for number in range(9):
        reader.read(f"{number}.yaml", RELEASE.encode(), "")
    assert list(reader._last) == ["6.yaml", "7.yaml", "8.yaml"]


def test_a_tip_is_read_without_a_thought_of_later_versions() -> None:
    reader = IncrementalReader(Bounds(), read_before_keeping=2)
    for number in range(4):
        reader.read(f"{number}.yaml", RELEASE.encode(), "")
    assert list(reader._last) == ["2.yaml", "3.yaml"]


def test_a_file_that_is_read_again_is_kept_from_then_on() -> None:
    """A history of one file may have thousands of versions, and none of them was kept before the thousandth."""
    reader = IncrementalReader(Bounds())
    for path in ("a.yaml", "b.yaml", "a.yaml"):
        reader.read(path, RELEASE.encode(), "")
    assert list(reader._last) == ["a.yaml"]


def check_history(repository: Path) -> int:
    """Every version of every file in the order of its history; gives how many were compared."""
    reader, seen = IncrementalReader(Bounds(), 0), set[BlobKey]()
    with BlobReader(repository) as blobs:
        for step in walk(repository, None, "HEAD"):
            versions = [FileVersion(change.path, change.oid) for change in step.changes if change.oid]
            fresh = [each for each in versions if each.key not in seen]
            blobs.expect(each.oid for each in fresh)
            for each in fresh:
                if (blob := blobs.read(each.oid)) is not None:
                    content = reader.read(each.path, blob, each.key.name)
                    assert content == read_file(blob, each.key.name, Bounds()), each
            seen.update(each.key for each in fresh)
    return len(seen)


@pytest.mark.parametrize("name", SMALL)
def test_all_versions_of_real_files_say_what_they_say_alone(name: str, tmp_path: Path) -> None:
    assert check_history(unpack(name, tmp_path)) > 10


@pytest.mark.slow
@pytest.mark.parametrize("name", [*LARGER, *LARGEST])
def test_all_versions_in_long_histories_say_what_they_say_alone(name: str, tmp_path: Path) -> None:
    assert check_history(unpack(name, tmp_path)) > 5_000
