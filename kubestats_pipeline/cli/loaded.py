"""The settings of this process for the commands, loaded when one asks for them.

`kubestats --help` loads every module that declares a command, so those import at their top what declares and explains
it alone: typer, rich and this package's light modules. The modules that do the work are imported where it begins.
`test_startup.py` names the packages that must wait.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubestats_pipeline.settings import Settings


def load_settings(**overrides: object) -> "Settings":
    """Read the settings of this process. `overrides` win over file and environment.

    Raises:
        SettingsError: a setting is unknown or wrong, or the file that KUBESTATS_CONFIG names cannot be read.
    """
    from kubestats_pipeline import settings

    return settings.load_settings(**overrides)


def published_file() -> Path:
    """The published file of this process' data directory.

    Raises:
        SettingsError: as `load_settings` does.
    """

    return load_settings().layout.warehouse
