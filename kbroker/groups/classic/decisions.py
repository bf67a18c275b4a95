"""Choices of a classic group, as pure functions of values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from kbroker.groups.classic.states import State
from wire.errors import ErrorCode


def identify(
    members: Mapping[str, object], instances: Mapping[str, str], member_id: str, instance_id: str | None
) -> ErrorCode:
    """Is this member who it says? An instance id belongs to the member that joined with it last; the one before is
    fenced (KIP-345).
    """
    if instance_id is not None:
        holder = instances.get(instance_id)
        if holder is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        if holder != member_id:
            return ErrorCode.FENCED_INSTANCE_ID
    return ErrorCode.NONE if member_id in members else ErrorCode.UNKNOWN_MEMBER_ID


def has_room(state: State, size: int, joined: int, is_member: bool, has_joined: bool, max_size: int) -> bool:
    """May one more join, with `group.max.size` members at most?

    While a rebalance is being prepared those count that have joined for it, so that of a group that is too large (the
    config has become smaller) the last to come back stay out. An empty group takes anybody.
    """
    if state is State.EMPTY:
        return True
    if state is State.PREPARING_REBALANCE:
        return has_joined or joined < max_size
    return is_member or size < max_size


def common_protocols(offers: Iterable[Sequence[str]]) -> set[str]:
    """The protocols that every member offers."""
    common: set[str] | None = None
    for offer in offers:
        common = set(offer) if common is None else common.intersection(offer)
    return common or set()


def elect_protocol(offers: Sequence[Sequence[str]]) -> str:
    """Each member votes for the first of its protocols that all have; most votes win, and of equals the one first
    voted for.
    """
    common = common_protocols(offers)
    votes: dict[str, int] = {}
    for offer in offers:
        choice = next(name for name in offer if name in common)
        votes[choice] = votes.get(choice, 0) + 1
    return max(votes, key=votes.__getitem__)


def fits(
    is_empty: bool, protocol_type: str | None, common: Collection[str], new_type: str, new_offer: Sequence[str]
) -> bool:
    """May a member with these protocols be in the group? An empty group takes any; otherwise one protocol must be
    common to all. `common` are those of the new ones that all who are in it offer.
    """
    if is_empty:
        return bool(new_type) and bool(new_offer)
    return protocol_type == new_type and bool(common)


def check_sync(
    member: ErrorCode,
    generations: tuple[int, int],
    types: tuple[str | None, str | None],
    names: tuple[str | None, str | None],
) -> ErrorCode:
    """Who asks must be a member, of this generation, and mean the same protocol. Each pair is (asked, the group's);
    None means not said.
    """
    if member is not ErrorCode.NONE:
        return member
    if generations[0] != generations[1]:
        return ErrorCode.ILLEGAL_GENERATION
    for asked, ours in (types, names):
        if asked is not None and ours is not None and asked != ours:
            return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    return ErrorCode.NONE


def check_transactional_commit(
    state: State, generation: int, asked_generation: int, anonymous: bool, member: ErrorCode
) -> ErrorCode:
    """May these offsets be committed in a transaction? Clients from before KIP-447 do not say who they are."""
    if asked_generation < 0 and (state is State.EMPTY or anonymous):
        return ErrorCode.NONE
    if member is not ErrorCode.NONE:
        return member
    return ErrorCode.NONE if asked_generation == generation else ErrorCode.ILLEGAL_GENERATION


def check_commit(
    state: State, commit: ErrorCode, generation: int, asked_generation: int, anonymous: bool, member: ErrorCode
) -> ErrorCode:
    """May these offsets be committed?

    Generation -1 comes from a consumer that assigns itself its partitions, or from an administrator: the group must
    be empty. Anybody else must be a member of this generation. `commit` is the state's own answer, for members.
    """
    if asked_generation < 0 and state is State.EMPTY:
        return ErrorCode.NONE
    if anonymous:
        return ErrorCode.UNKNOWN_MEMBER_ID
    if member is not ErrorCode.NONE:
        return member
    if asked_generation != generation:
        return ErrorCode.ILLEGAL_GENERATION
    return commit
