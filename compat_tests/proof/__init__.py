"""Promises shown with real processes, one command each; see the Makefile; `make compat` runs none of them."""

from __future__ import annotations

import os
import sys


def hush_librdkafka() -> None:
    """It writes every lost connection to descriptor 2; what Python has to say goes on to where it went before."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
