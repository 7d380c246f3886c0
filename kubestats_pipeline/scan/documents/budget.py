"""Bounds of what patches and variables may make of one resource, counted in steps, so that every machine agrees.

A step is a character that is looked at or made, or a patch that is compared with the resource. What passes a bound is
left as its author wrote it, and `Budget.notes` says what was too large. Who reads the notes stands in `replay.py`.
"""

MAX_STEPS = 2_000_000
"""Steps for one resource, on all ways in which it is applied together; the corpora take up to 20,000."""

MAX_TEXT = 4096
"""Characters of a text that is worth a substitution, of each value in it and of its result: names, versions and URLs
are shorter."""

MAX_VARIABLES = 1_000
"""Variables of one Flux Kustomization, those of its ConfigMaps included."""

MAX_PATCHES = 1_000
"""Patches, and likewise images and components, of one kustomization, and operations of one patch."""

MAX_PATCH_DEPTH = 100
"""Steps of the path of an operation, as deep as a document may be."""


class TooComplexError(Exception):
    """A bound is passed; the text says which, and quotes nothing."""


class Budget:
    """The steps of one resource.

    Attributes:
        spent: how many there were.
        notes: what was too large and has been left as it is, each once.
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
        """Say that something was too large."""
        self.notes[text] = None
