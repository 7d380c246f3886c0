"""The sections about what took the place of a chart or an app, and whose place it took."""

from kubestats_pipeline.report.parts.sections import Section


def replacement_sections(subject: str, key: tuple[str, ...], join: str = "") -> tuple[Section, Section]:
    """The sections `Replaced by` and `Took the place of`.

    Args:
        subject: chart or app, as in `replacements`.
        key: the page's key columns. `{own}` is the side of the page: old, or new.
        join: what else the key needs, with `{own}` as well.
    """
    replaced = _section("Replaced by", subject, key, join, "old", "new")
    return replaced, _section("Took the place of", subject, key, join, "new", "old")


def _section(title: str, subject: str, key: tuple[str, ...], join: str, own: str, other: str) -> Section:
    lines = [
        f"SELECT {other}_name, {other}_url, score, repositories, in_one_commit, first_at, last_at",
        "FROM replacements",
        *([join.format(own=own)] if join else []),
        f"WHERE subject = '{subject}' AND {{only}}",
    ]
    order = f"score DESC, {other}_name, {other}_url"
    return Section(title, "\n".join(lines), order, limit=15, key=tuple(part.format(own=own) for part in key))
