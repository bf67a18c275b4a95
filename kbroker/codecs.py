"""A codec whose wheel is not installed: the client hears UNSUPPORTED_COMPRESSION_TYPE each time, the log one line.

Most batches are never unpacked here, so a codec may be missing for long before anybody needs it.
"""

from __future__ import annotations

import logging

from wire.compression import MissingCodec, UnsupportedCompression

log = logging.getLogger("kbroker.codecs")

_told: set[str] = set()


def cannot_read(error: UnsupportedCompression) -> str:
    """The error's words, for the answer; what is missing on this machine is also logged, once each."""
    if isinstance(error, MissingCodec) and error.wheel not in _told:
        _told.add(error.wheel)
        log.warning("%s; what needs it is answered UNSUPPORTED_COMPRESSION_TYPE", error)
    return str(error)
