"""storage: logs of opaque record batches, behind one interface and several engines.

Read `engine.py` (the contract), then `memory.py` (the contract as a hundred lines of code), then `disk/`. This
package knows the 61-byte header of a record batch and nothing else of Kafka: no topic, no group, no producer rule.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_extensions import mypyc_attr as mypyc_attr
else:

    def mypyc_attr(**_):
        """Says how a class is compiled (hatch_build.py); where it is not, nothing."""
        return lambda cls: cls
