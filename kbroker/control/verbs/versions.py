"""The versions of APIs that the broker serves: fewer than it could, for a client that has to live with an older one."""

from __future__ import annotations

from kbroker.control.control import Control
from kbroker.control.reading import key_of
from kbroker.control.releases import RELEASES, newest_versions
from kbroker.control.shapes import Versions
from kbroker.control.table import ControlError, verb
from wire.registry import APIS

API_VERSIONS = 18
NONE = -1


@verb
def list_(control: Control) -> list[Versions]:
    """What the broker tells now."""
    rows = control.cluster.apis.advertised()
    return [Versions(APIS[key].kafka_name, low, high) for key, low, high in rows]


@verb
def limit(control: Control, api: str, max: int | None = None, min: int | None = None) -> list[Versions]:
    """Serve only these versions of an API from now on, to whoever asks; a max of -1 takes the API away. Requests with
    others end their connection, as in Kafka, and the broker's log says whose they were."""
    key = key_of(api)
    apis = control.cluster.apis
    if key not in apis:
        raise ControlError("missing", f"this broker has no {api}")
    if key == API_VERSIONS and max == NONE:
        raise ControlError("argument", "ApiVersions cannot be taken away: it is what tells of the others")
    row = apis.row(key)
    low = row.min_version if min is None else min
    high = row.max_version if max is None else max
    if high != NONE and not row.min_version <= low <= high <= row.max_version:
        whole = f"{row.min_version} to {row.max_version}"
        raise ControlError("argument", f"{api} has versions {whole}, of which {low} to {high} are no part")
    apis.limit(key, low, high)
    return list_(control)


@verb
def emulate(control: Control, release: str) -> list[Versions]:
    """Serve the part of an older release's versions that this broker has: "2.8" to "4.3". Versions that 4.0 took away
    are not served."""
    if release not in RELEASES:
        raise ControlError("argument", f"there is no release {release}; there are {', '.join(RELEASES)}")
    apis = control.cluster.apis
    apis.lift_limits()
    newest = newest_versions(release)
    for key in apis.all_keys():
        row = apis.row(key)
        high = newest.get(key, NONE)
        if high < row.min_version:
            apis.limit(key, row.min_version, NONE)
        elif high < row.max_version:
            apis.limit(key, row.min_version, high)
    return list_(control)


@verb
def clear(control: Control) -> list[Versions]:
    """Serve everything again."""
    control.cluster.apis.lift_limits()
    return list_(control)
