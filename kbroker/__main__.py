"""`python -m kbroker` and the `kbroker` command.

In the wheel `wire` and `storage` lie in `kbroker/_house`, so that a user's own packages of these names stay theirs;
this process wants ours.
"""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    gc.disable()  # start-up makes no garbage worth looking for; `serve` switches it on again
    house = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_house")
    if os.path.isdir(house):
        sys.path.insert(0, house)
    from kbroker.cli import cli

    cli(prog_name="kbroker")


if __name__ == "__main__":
    main()
