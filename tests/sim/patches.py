"""What a life changes in the house while it lasts: constants made small so that rare things happen, and planted bugs.

All of it is undone at the end, last change first.
"""

from typing import Any


class Patches:
    def __init__(self) -> None:
        self._before: list[tuple[Any, str, Any]] = []

    def set(self, owner: Any, name: str, value: Any) -> Any:
        """Put something in an attribute's place; what was there."""
        before = vars(owner)[name]
        self._before.append((owner, name, before))
        setattr(owner, name, value)
        return before

    def undo(self) -> None:
        while self._before:
            owner, name, before = self._before.pop()
            setattr(owner, name, before)
