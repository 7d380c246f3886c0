"""What is unknown is refused with the names that may be meant."""

import pytest

from kubestats_pipeline.errors import did_you_mean, near_names

KNOWN = ["local/khuedoan/homelab", "bob/cluster", "bob/clusters", "ada/ops", "ghcr.io/jellyfin/jellyfin"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("bob/clustr", ["bob/cluster", "bob/clusters"]),
        ("BOB/CLUSTER ", ["bob/cluster", "bob/clusters"]),
        ("homelab", ["local/khuedoan/homelab"]),
        ("khuedoan", ["local/khuedoan/homelab"]),
        ("jelyfin", ["ghcr.io/jellyfin/jellyfin"]),
        ("bb/cluster", ["bob/cluster", "bob/clusters"]),
        ("nobody/typo", []),
        ("op", ["ada/ops"]),
        ("o", []),
        ("", []),
    ],
)
def test_a_name_is_near_in_part_without_its_owner_or_with_a_slip(name, near):
    assert near_names(name, KNOWN) == near


def test_the_question_names_one_two_or_three():
    assert did_you_mean("homelab", KNOWN) == " Did you mean local/khuedoan/homelab?"
    assert did_you_mean("bob/clustr", KNOWN) == " Did you mean bob/cluster or bob/clusters?"
    assert did_you_mean("app", ["app-a", "app-b", "app-c", "app-d"]) == " Did you mean app-a, app-b or app-c?"
    assert did_you_mean("nobody/typo", KNOWN) == ""
