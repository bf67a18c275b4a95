"""CRC-32C (Castagnoli), the checksum of record batches.

The crc32c wheel holds a C extension that uses the processor's own instruction: 0.1 us for 1 KiB, 30 us for 1 MiB. The
wheel's package also imports importlib.metadata to learn its own version, which takes 34 ms of a start; so its extension
is loaded by itself here. Where that does not work (a wheel laid out in another way) the package is imported as usual.
"""

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder

Buffer = bytes | bytearray | memoryview
Crc = Callable[..., int]


def _extension_spec() -> ModuleSpec | None:
    """Where the extension lies, found without running the package around it."""
    package = PathFinder.find_spec("crc32c")
    if package is None or package.submodule_search_locations is None:
        return None
    return PathFinder.find_spec("crc32c._crc32c", package.submodule_search_locations)


def _load() -> Crc:
    spec = _extension_spec() if "crc32c" not in sys.modules else None
    if spec is not None and spec.loader is not None and hasattr(spec.loader, "exec_module"):
        from importlib.util import module_from_spec

        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        found: Crc | None = getattr(module, "crc32c", None)
        if found is not None:
            return found
    import crc32c as package

    usual: Crc = package.crc32c
    return usual


crc32c: Crc = _load()
"""crc32c(data, value=0): the checksum of data; value is the checksum of what came before it."""
