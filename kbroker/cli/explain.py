"""`kbroker explain`: every byte of a frame, and what it means.

What is to be explained is given as hex, as a file or on standard input. A file may hold the bytes themselves or hex
text, which is told by looking: a frame begins with a size, and so with a byte that no text has. Hex may be written with
spaces, line ends, colons, commas, dashes, 0x or \\x.

Exit status: 0 all explained, 1 the bytes are broken (they are explained up to the place), 2 nothing could be explained.
"""

import os
import re
import sys
from collections.abc import Iterator

import click

from wire.explain import DAMAGE, ERROR, Note
from wire.explain import explain as notes_of
from wire.explain_guess import CannotTell
from wire.explain_text import lines

_BETWEEN = re.compile(r"0[xX]|\\x|[\s:,\-]")
_HEX = re.compile(r"[0-9a-fA-F]*")
_SHOWN_ON_A_TERMINAL = 256


class Unusable(click.ClickException):
    """One sentence on standard error, exit status 2."""

    exit_code = 2


def bytes_of_hex(text: str) -> bytes | None:
    """The bytes, or None if the text is no hex."""
    digits = _BETWEEN.sub("", text)
    if not digits or not _HEX.fullmatch(digits):
        return None
    if len(digits) % 2:
        raise Unusable(f"the hex has {len(digits)} digits and ends in the middle of a byte.")
    return bytes.fromhex(digits)


def _bytes_of_content(content: bytes) -> bytes:
    """A file's bytes: they may be hex text themselves."""
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        return content
    found = bytes_of_hex(text)
    return content if found is None else found


def _read(source: str) -> bytes:
    if source == "-":
        return _bytes_of_content(sys.stdin.buffer.read())
    if os.path.isdir(source):
        raise Unusable(f"{source} is a folder; name one file in it.")
    if os.path.exists(source):
        try:
            with open(source, "rb") as file:
                return _bytes_of_content(file.read())
        except OSError as error:
            raise Unusable(f"{source} cannot be read: {error.strerror}.") from None
    found = bytes_of_hex(source)
    if found is None:
        raise Unusable(f"{source[:60]!r} is neither hex nor a file that exists.")
    return found


@click.command("explain")
@click.argument("source", metavar="HEX|FILE|-", nargs=-1, required=True)
@click.option("--api", help="API key or name (18, ApiVersions), any message's name, or 'records' for record batches.")
@click.option("--version", type=int, help="Version of the API or message.")
@click.option("--response", is_flag=True, default=None, help="The bytes are a response; tell --api and --version.")
@click.option("--full", is_flag=True, help="Show all bytes of long values on a terminal, too.")
def explain(source: tuple[str, ...], api: str | None, version: int | None, response: bool | None, full: bool) -> None:
    """Explain every byte of Kafka frames: offset, bytes, field, type, value, meaning.

    Requests and record batches are recognised; of a response, --api and --version have to be told.
    """
    data = _read(" ".join(source))
    if not data:
        raise Unusable("there are no bytes to explain.")
    try:
        notes = notes_of(data, api=api, version=version, response=response)
    except CannotTell as error:
        raise Unusable(f"{error}.") from None
    terminal = sys.stdout.isatty()
    longest = _SHOWN_ON_A_TERMINAL if terminal and not full else None
    broken = _Watch()
    for line in lines(broken.over(notes), colour=terminal and not os.environ.get("NO_COLOR"), longest=longest):
        click.echo(line, color=True if terminal else None)
    if broken.found:
        raise SystemExit(1)


class _Watch:
    """Remembers whether something broken passed by."""

    found = False

    def over(self, notes: Iterator[Note]) -> Iterator[Note]:
        for note in notes:
            self.found = self.found or note.type in (ERROR, DAMAGE)
            yield note
