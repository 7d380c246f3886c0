"""Charts as `helm install` takes them: a name and a repository, a URL, a package, or a folder.

Many tools hand such a pair over to Helm as their user wrote it, so each of their scanners reads it with this module.
"""

import re

from kubestats_pipeline.scan.facts.facts import ChartUse

_PACKAGE = re.compile(r"(https?://[^?#]*)/([a-z0-9][a-z0-9._-]*?)-(v?\d+\.\d[\w.+-]*)\.tgz")
_FOLDERS = (".", "/")
_PLACEHOLDER = "{{"

GIVEN_BY_TEMPLATE = "its chart is given by a template"


def chart_argument(chart: str, repository: str | None, version: str | None) -> ChartUse:
    """The use of a chart that a tool hands over to Helm.

    Args:
        chart: a name in the repository, an `oci://` URL, the URL of a package, or a path. Helm's names of packages have
            the version.
        repository: the URL of an index of charts, or a folder of a registry, or None.
        version: as written.
    """
    if any(text and _PLACEHOLDER in text for text in (chart, repository)):
        return ChartUse(name=chart, version=version, unknown=GIVEN_BY_TEMPLATE)
    if version and _PLACEHOLDER in version:
        return ChartUse(name=chart, version=version, unknown="its version is given by a template")
    package = _PACKAGE.fullmatch(chart)
    if package is not None:
        return ChartUse(name=package[2], version=version or package[3], url=package[1])
    if chart.startswith("oci://"):
        return ChartUse(name=chart, version=version, url=chart)
    if repository and repository.startswith("oci://"):
        return ChartUse(name=chart, version=version, url=f"{repository.rstrip('/')}/{chart}")
    if repository:
        return ChartUse(name=chart, version=version, url=repository)
    if "://" in chart or "::" in chart:
        return ChartUse(version=version, unknown="its chart is behind a URL that is neither a registry nor a package")
    if chart.startswith(_FOLDERS):
        return ChartUse(name=chart.rstrip("/").rpartition("/")[2], version=version, kind="path")
    return ChartUse(name=chart, version=version, url=chart)
