"""An address is safe, stable, and that of one name alone, also on disks where A and a are one."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubestats_pipeline.report.parts import addresses

SAFE = re.compile(r"[a-z0-9._~-]{1,100}")
DEVICES = {"con", "prn", "aux", "nul", "com1", "lpt9"}


@given(st.text(max_size=300))
@example("..")
@example("")
@example("con.txt")
@example("index.html")
@example("-rf")
@example("a/b")
@example("a\x00b")
@example("x" * 300)
def test_a_folders_name_is_safe_on_every_disk(name: str):
    folder = addresses.folder_name(name)
    assert SAFE.fullmatch(folder)
    assert not folder.startswith((".", "-"))
    assert not folder.endswith((".", ".html", ".json", ".xml"))
    assert folder.split(".")[0] not in DEVICES
    assert addresses.folder_name(name) == folder


@given(st.lists(st.text(alphabet="aAbB.-_~/%é ", max_size=6), unique=True, max_size=30))
def test_two_names_never_share_a_folder_even_without_case(names: list[str]):
    assert len({addresses.folder_name(name).casefold() for name in names}) == len(names)


@pytest.mark.parametrize("name", ["grafana", "kube-prometheus-stack", "k8s_gitops", "cert-manager.io"])
def test_a_plain_name_stays_as_it_is(name: str):
    assert addresses.folder_name(name) == name


def test_the_addresses_of_pages_can_be_read():
    assert addresses.repository_page("onedr0p/home-ops") == "repositories/onedr0p/home-ops/index.html"
    assert addresses.kind_page("", "namespaces") == "kinds/core/namespaces/index.html"
    assert addresses.chart_page("grafana", "https://grafana.github.io").startswith("charts/grafana/grafana.github.io/")


def test_pages_lead_to_one_another_from_any_depth():
    assert addresses.relative("charts/index.html", "index.html") == "charts/index.html"
    assert addresses.relative("charts/index.html", "apps/plex/index.html") == "../../charts/index.html"
