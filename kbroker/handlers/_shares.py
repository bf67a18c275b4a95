"""What the handlers of share groups share: whether there are any, and who asks."""

from __future__ import annotations

from typing import Protocol

from kbroker.context import Context
from kbroker.shares.sessions import Owner
from wire.errors import ErrorCode, KafkaError

FEATURE = "share.version"


def must_have_share_groups(ctx: Context) -> None:
    """Share groups are there with share.version 1; it is finalized unless somebody has set it back (KIP-932)."""
    if not share_version(ctx):
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)


def share_version(ctx: Context) -> int:
    return ctx.cluster.catalog.features.levels.get(FEATURE, 0)


class FromMember(Protocol):
    group_id: str | None
    member_id: str | None


def owner_of(request: FromMember, ctx: Context) -> Owner:
    """Who asks: group and member. Raises KafkaError where either is missing, or may not read with this group."""
    group_id, member_id = request.group_id, request.member_id
    if group_id is None or not member_id:
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    if not ctx.authorize("READ", "GROUP", (group_id,))[0]:
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    return Owner(group_id, member_id, ctx.node.id)
