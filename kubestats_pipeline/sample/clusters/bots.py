"""The bots that commit to the sample's clusters, and the version updates that they make.

People may make the same updates by hand, and are the author then. After `story.py`, before the stories.
"""

import hashlib

from kubestats_pipeline.sample.clusters.story import Person, ReplaceText, StoryCommit, commit

RENOVATE = Person("renovate[bot]", "29139614+renovate[bot]@users.noreply.github.com", through_github=True)
DEPENDABOT = Person("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com", through_github=True)
ACTIONS = Person("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com", through_github=True)
FLUX = Person("fluxcdbot", "fluxcdbot@users.noreply.github.com")

_SCOPES = {"chart": "helm", "image": "container"}


def pinned(image: str, tag: str) -> str:
    """Give a tag with a digest: `1.2.3@sha256:…`, made up from the image's name and always the same."""
    return f"{tag}@sha256:{hashlib.sha256(f'{image}:{tag}'.encode()).hexdigest()}"


def upgrade(
    at: str, name: str, old: str, new: str, *paths: str, kind: str = "chart", by: Person = RENOVATE
) -> StoryCommit:
    """Change a version everywhere in some files, under the subject that Renovate would write."""
    return commit(at, by, update_subject(name, old, new, kind), *(ReplaceText(path, old, new) for path in paths))


def upgrade_image(at: str, image: str, old: str, new: str, *paths: str) -> StoryCommit:
    """Let Renovate change an image's tag together with its digest."""
    edits = (ReplaceText(path, pinned(image, old), pinned(image, new)) for path in paths)
    return commit(at, RENOVATE, update_subject(image, old, new, "image"), *edits)


def update_subject(name: str, old: str, new: str, kind: str = "chart") -> str:
    """Word the subject of a version update: a major is breaking, a minor a feature, the rest a fix."""
    before, after = (version.lstrip("v").split(".") for version in (old, new))
    word, mark = ("feat", "!") if before[0] != after[0] else ("feat", "") if before[:2] != after[:2] else ("fix", "")
    return f"{word}({_SCOPES.get(kind, kind)}){mark}: update {kind} {name} ( {old} → {new} )"
