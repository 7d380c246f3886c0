"""The questions that are asked of the published file in so many words, by assistants and at the command line alike.

Each is one SELECT in `queries/`, which opens with what it answers and what its `$name` parameters are.
"""

from functools import cache
from importlib.resources import files


@cache
def read_query(question: str) -> str:
    """The SQL of a question, by its name."""
    return files(__package__).joinpath(f"queries/{question}.sql").read_text(encoding="utf-8")
