"""The resolution of a document: the part that all of its applications have in common."""

from collections.abc import Iterable

from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.facts.facts import Facts, ValuesInput
from kubestats_pipeline.scan.manifests.identity import Identity

_DIFFERENCES = {
    "chart": ("chart_name", "chart_url", "chart_kind"),
    "version": ("version",),
}
"""The fields of a resolution in which two apply paths of a release must agree, so that it is one use of one chart."""


def agreed_resolution(resolutions: list[Resolved], facts: Facts, identity: Identity) -> Resolved:
    """The fields in which all resolutions of a resource agree. The others are as in its document, or unknown."""
    if len(resolutions) == 1:
        return resolutions[0]
    version = facts.chart.version if facts.chart else facts.version
    inputs = tuple(ValuesInput("unknown", None, None, *entry[1:]) for entry in facts.values_from)
    declared = Resolved(identity.key.namespace, version, values_inputs=inputs)
    found = [{resolution[column] for resolution in resolutions} for column in range(len(declared))]
    agreed = Resolved._make(each.pop() if len(each) == 1 else own for own, each in zip(declared, found, strict=True))
    if not facts.is_release:
        return agreed._replace(resolution="not_applicable", reason=facts.patch_reason)
    missing = [resolved.reason or "" for resolved in resolutions if resolved.resolution == "unresolved"]
    if missing:
        return agreed._replace(resolution="unresolved", reason=min(missing))
    differ = [
        name
        for name, fields in _DIFFERENCES.items()
        if len({_fields_of(resolved, fields) for resolved in resolutions}) > 1
    ]
    if differ:
        reason = f"it is applied {len(resolutions)} times, with another {' and '.join(differ)} each"
        return agreed._replace(resolution="ambiguous", reason=reason)
    return agreed


def _fields_of(resolution: Resolved, names: Iterable[str]) -> tuple[object, ...]:
    return tuple(getattr(resolution, name) for name in names)
