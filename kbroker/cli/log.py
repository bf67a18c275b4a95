"""`kbroker log dump`: what lies in a data directory, down to single records, and whether it is sound.

The files are only read: no lock is taken, so a broker may be running on them, and none is needed. Sound means that
every batch follows the one before it and has the CRC that its producer gave it, that segments follow each other, and
that indexes and checkpoints say the truth.

Exit status: 0 all is sound, 1 damage was found (every line of it begins with "damage:"), 2 there is nothing to look at.
"""

from __future__ import annotations

import os

import click

from kbroker.log_dump import Asked, Dump
from storage.disk.files import RealReader
from storage.disk.inspect import NoData, look


class Unusable(click.ClickException):
    """One sentence on standard error, exit status 2."""

    exit_code = 2


@click.group("log")
def log() -> None:
    """Look into the log files of a data directory."""


@log.command("dump")
@click.argument("target", metavar="DIR|TOPIC|TOPIC-PARTITION", required=False)
@click.option("--data", metavar="DIR", help="The data directory, where TARGET is a topic.  [default: ./data]")
@click.option("--batches", is_flag=True, help="Show every batch.")
@click.option("--records", is_flag=True, help="Show every record, too.")
@click.option("--from", "first", type=int, default=0, help="Show batches and records from this offset on.")
@click.option("--max", "most", type=int, help="Show so many batches of each log at most; all are checked.")
def dump(target: str | None, data: str | None, batches: bool, records: bool, first: int, most: int | None) -> None:
    """Show segments, indexes, checkpoints and, if asked, batches and records; check that all of it is sound.

    The target is a data directory, a topic, or one partition of it (orders-0); "catalog" is the broker's own log.
    """
    directory, name = _directory_of(target, data)
    files = RealReader()
    try:
        found = look(files, directory.replace(os.sep, "/").rstrip("/") or "/")
    except NoData as error:
        raise Unusable(f"{error}.") from None
    except OSError as error:
        raise Unusable(f"{directory} cannot be read: {error.strerror}.") from None
    runs = not found.stopped and found.owner is not None and files.is_alive(found.owner)
    work = Dump(files, found, Asked(batches or records, records, first, most), runs)
    names = work.matching(name)
    if not names and name is not None:
        raise Unusable(f"{directory} has no log of a topic {name!r}; it has {work.topics_in_words()}.")
    for line in work.lines(names, directory):
        click.echo(line)
    if work.damage:
        raise SystemExit(1)


def _directory_of(target: str | None, data: str | None) -> tuple[str, str | None]:
    """A target that is a folder is one; anything else is a topic."""
    if target is None:
        return data or "data", None
    if data is None and (os.path.isdir(target) or os.sep in target):
        return target, None
    return data or "data", target
