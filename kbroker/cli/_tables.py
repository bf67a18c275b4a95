"""How commands answer: tables for people, JSON for programs.

A table is a list of rows, each a mapping from column to value; both forms are made of the same rows. In a table a
missing value is a dash; numbers stand to the right.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

Row = Mapping[str, Any]
NOTHING = "-"


class Output:
    """Where an answer goes. `as_json`: JSON in place of tables, and no words besides."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def rows(self, rows: Iterable[Row], *, empty: str = "nothing to show") -> None:
        """A table; `empty` is what a person is told where there are no rows."""
        listed = list(rows)
        if self.as_json:
            self.json(listed)
        elif listed:
            for line in table(listed):
                click.echo(line)
        else:
            click.echo(empty, err=True)

    def json(self, value: Any) -> None:
        click.echo(json.dumps(value, ensure_ascii=False))

    def say(self, text: str) -> None:
        """A word for people; programs see the exit status."""
        if not self.as_json:
            click.echo(text)


def table(rows: Sequence[Row]) -> list[str]:
    """The lines of a table, its head first. Columns are those of the first row."""
    columns = list(rows[0])
    cells = [[_text(row.get(column)) for column in columns] for row in rows]
    right = [all(isinstance(row.get(column), int | float | None) for row in rows) for column in columns]
    heads = [column.upper().replace("_", " ") for column in columns]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]

    def line(texts: Sequence[str]) -> str:
        placed = [
            text.rjust(width) if to_the_right else text.ljust(width)
            for text, width, to_the_right in zip(texts, widths, right, strict=True)
        ]
        return "  ".join(placed).rstrip()

    return [line(heads), *map(line, cells)]


def _text(value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or NOTHING
    return str(value)
