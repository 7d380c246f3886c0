"""What all tests share: an environment without the user's settings, and the sample repositories, built once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubestats_pipeline.sample.build import build_sample

USERS_OWN = ("GITHUB_TOKEN", "DAGSTER_HOME")


def pytest_configure() -> None:
    """Forget the user's settings before a test module is imported: loading the definitions reads them."""
    for name in [name for name in os.environ if name.upper().startswith("KUBESTATS_") or name in USERS_OWN]:
        del os.environ[name]


@pytest.fixture(scope="session", autouse=True)
def _no_settings_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Work in an empty folder, where there is no `kubestats.yaml` of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("working_directory"))
        yield


@pytest.fixture(scope="session")
def sample_repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sample's bare repositories; tests only read from it."""
    folder = tmp_path_factory.mktemp("sample_repositories")
    build_sample(folder)
    return folder


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which `corpus.unpack` puts real repositories; tests only read from it."""
    return tmp_path_factory.mktemp("corpus")
