"""The one base of all failures whose text is meant for the user: it says what was tried and what to do.

Each stage raises its own subclass. The command line shows the text; the Dagster skin makes it the step's failure.
"""


class ExplainedError(Exception):
    """A failure that the user can act on; its text is the whole explanation."""
