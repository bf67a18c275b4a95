"""More brokers in the same process, isolated from one another. The other verbs are for one of them."""

from __future__ import annotations

from kbroker.control.control import Control
from kbroker.control.house import FIRST, House
from kbroker.control.shapes import Created
from kbroker.control.table import verb
from kbroker.control.verbs.broker import started


@verb
async def create(
    control: Control, configs: dict[str, str] | None = None, nodes: int = 1, seed: int | None = None
) -> Created:
    """Start one more broker, in memory and on free ports unless the configs say otherwise. Its number is for `drop`,
    and for whoever wants to ask it."""
    house = _house(control)
    return _created(house, await house.create(configs or {}, nodes, seed))


@verb
async def drop(control: Control, broker: int) -> None:
    """End a broker that was created here; its port refuses from now on."""
    await _house(control).drop(broker)


@verb
def list_(control: Control) -> list[Created]:
    """The brokers of this process."""
    house = _house(control)
    return [_created(house, number) for number in house.controls]


def _created(house: House, number: int) -> Created:
    """A broker without an HTTP door of its own is below that of the first."""
    found, door = started(house.find(number)), house.find(FIRST).broker.http
    return Created(number, found if found.http or not door else found._replace(http=f"{door}/brokers/{number}"))


def _house(control: Control) -> House:
    """Made with the first question, where nobody has made it."""
    return control.house or House(control)
