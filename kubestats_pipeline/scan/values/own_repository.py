"""The repository that is scanned, as the sources of Argo CD name it: by a URL of any form that git takes."""

from dataclasses import dataclass

from kubestats_pipeline.scan.facts.charts import canonical_url


@dataclass(frozen=True)
class OwnRepository:
    """Tells the URL of this repository from those of others.

    Attributes:
        clone_url: the URL that git fetches it from. It may be empty, or a path of this machine.
    """

    clone_url: str = ""

    def is_own(self, url: str) -> bool:
        """True if a URL is that of this repository.

        A repository that was cloned from this machine has its true URL nowhere. Then one is its own if it ends in the
        same name.
        """
        other, own = canonical_url(url), canonical_url(self.clone_url)
        if own.startswith("https://"):
            return other.lower() == own.lower()
        return bool(own) and _name(other) == _name(own)


def _name(url: str) -> str:
    return url.rpartition("/")[2].removesuffix(".git").lower()
