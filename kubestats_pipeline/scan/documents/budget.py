"""Bounds on the work that patches and variables cause for one resource, in steps, so that every machine agrees.

A step is a character that is read or made, or a patch that is compared with the resource. A text that passes a bound
stays as its author wrote it, and `Budget.notes` names the bound. `replay.py` makes a problem of the notes.
"""

MAX_STEPS = 2_000_000
"""Steps for one resource on all of its apply paths together. The corpora take up to 20,000."""

MAX_TEXT = 4096
"""Characters of a value that is put into a text, and those by which a text may grow. Names, versions and URLs are
shorter.
"""

MAX_LONG_TEXT = 1_000_000
"""Characters of a text whose variables are substituted: a dashboard in a ConfigMap has up to 300,000."""

MAX_VARIABLES = 1_000
"""Variables of one Flux Kustomization, those of its ConfigMaps included."""

MAX_PATCHES = 1_000
"""Patches, and likewise images and components, of one kustomization, and operations of one patch."""

MAX_PATCH_DEPTH = 100
"""Steps of the path of an operation, as deep as a document may be."""


class TooComplexError(Exception):
    """A bound is passed. The text names the bound and quotes nothing."""


class Budget:
    """The steps of one resource.

    Attributes:
        spent: their number up to now.
        notes: descriptions of what was too large and stayed as written, without repetitions.
    """

    spent = 0

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self._steps = steps
        self.notes: dict[str, None] = {}

    def spend(self, steps: int) -> None:
        """Count steps.

        Raises:
            TooComplexError: there are more than the budget allows.
        """
        self.spent += steps
        if self.spent > self._steps:
            raise TooComplexError(f"its patches and variables take more than {self._steps} steps")

    def note(self, text: str) -> None:
        """Record that something was too large."""
        self.notes[text] = None
