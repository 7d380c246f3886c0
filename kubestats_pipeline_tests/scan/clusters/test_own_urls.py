"""The URLs of a repository itself, by which its own sources are told from those of other repositories."""

from kubestats_pipeline.scan.clusters.appliers.own_urls import OwnUrls


def test_a_clone_of_a_folder_does_not_say_where_the_repository_lives() -> None:
    assert "https://git.example.com/ann/home.git" in OwnUrls("file:///srv/home.git")


def test_a_clone_of_a_host_does() -> None:
    own = OwnUrls("https://github.com/ann/home.git")
    assert "ssh://git@github.com/ann/home" in own
    assert "https://github.com/bob/home" not in own
