"""What kafka-python does by itself, and what is no matter of these tests: it reads its own files in a way that some
versions of Python call deprecated, once, when it is imported; and it leaves a socket to the garbage collector now and
then, when a connection breaks.
"""

import gc
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka  # noqa: F401


def pytest_runtest_logfinish() -> None:
    """After each test, when nothing holds what it logged any more: an error in a log holds its connection's socket."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
