"""kafka-python reads its own files in a way that some versions of Python call deprecated, once, when it is imported."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka  # noqa: F401
