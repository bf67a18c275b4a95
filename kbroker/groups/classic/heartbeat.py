"""Heartbeat: a sign of life, and the way a member hears of a rebalance.

It costs no append and no timer: it moves the deadline of the member's session.
"""

from __future__ import annotations

from kbroker.groups.classic.decisions import identify
from kbroker.groups.classic.group import ClassicGroup
from kbroker.groups.classic.rebalance import touch
from kbroker.groups.classic.states import STATES
from kbroker.groups.turn import Turn
from wire.errors import ErrorCode
from wire.messages.heartbeat import HeartbeatRequest


def heartbeat(group: ClassicGroup, request: HeartbeatRequest, turn: Turn) -> ErrorCode:
    code = identify(group.members, group.instances, request.member_id, request.group_instance_id)
    if code:
        return code
    if request.generation_id != group.generation:
        return ErrorCode.ILLEGAL_GENERATION
    touch(group, group.members[request.member_id], turn)
    return STATES[group.state].heartbeat
