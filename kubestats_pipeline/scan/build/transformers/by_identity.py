"""Keys of memos by the identity of an object, for contents that are shared and never changed."""

from typing import Generic, TypeVar

Value = TypeVar("Value")

KEPT = 8_000
"""Results that one memo keeps: the resources of the largest made fleet at two levels."""


class ById(Generic[Value]):
    """An object that is equal only to itself. It stays alive as long as the key does."""

    __slots__ = ("value",)

    def __init__(self, value: Value) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ById) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)
