"""The one base of all failures whose text is meant for the user: it says what was tried and what to do.

Each stage raises its own subclass. The command line shows the text. The Dagster skin makes it the step's failure, which
Dagster keeps. A text can quote a name or a host's answer, so shapes of secrets are withheld from it.
"""


class ExplainedError(Exception):
    """A failure that the user can act on. Its text is the whole explanation."""

    def __str__(self) -> str:
        from kubestats_pipeline.redaction.texts import withhold_shapes  # only a failure needs the patterns

        return withhold_shapes(super().__str__())
