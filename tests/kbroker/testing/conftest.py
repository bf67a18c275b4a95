"""What kafka-python does by itself, and what is no matter of these tests: it reads its own files in a way that some
versions of Python call deprecated, once, when it is imported; and it leaves a socket to the garbage collector now and
then, when a connection breaks.
"""

import gc
import warnings
from collections.abc import Iterator

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka  # noqa: F401


@pytest.fixture(autouse=True)
def collect_what_the_client_left() -> Iterator[None]:
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
