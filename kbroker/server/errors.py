"""From an error code to a whole response: every place that the schema has for it, for what the request asked about.

A response of which only the error code counts still has to be complete. If the version has an error code at the top,
it goes there. Otherwise it belongs to the items, and there is one for each that the request named: the arrays of both
messages are walked in pairs, and what both elements know by the same name (or only as a name, where the request has
plain strings) is carried over. The rest keeps Kafka's defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from wire.errors import ErrorCode
from wire.schema import Field, Response, Struct

Fill = Callable[[Any, Any, int, ErrorCode, str | None], None]


def error_response(
    response_class: type[Response], request: Any, version: int, code: ErrorCode, message: str | None
) -> Any:
    """The response to a request that failed as a whole."""
    response = response_class()
    if not _put(response, version, code, message):
        _fill_items(response, request, version, code, message)
    special = _OVERRIDES.get(response_class.__api_key__)
    if special is not None:
        special(response, request, version, code, message)
    return response


def item_errors(
    response_class: type[Response],
    request: Any,
    version: int,
    code: ErrorCode,
    message: str | None,
    *,
    deepest: bool = False,
) -> Any | None:
    """The response to a request that failed as a whole, with the error in each of its items and not at the top; None if
    it has no items. `deepest` is where items have items: in those alone."""
    response = response_class()
    _fill_items(response, request, version, code, message, deepest)
    return response if any(getattr(response, field.name) for field in _arrays(response, version)) else None


def _put(struct: Struct, version: int, code: ErrorCode, message: str | None) -> bool:
    """Set the error code of this struct, if the version has one, and its message."""
    found = False
    for field in struct.__fields__:
        if version not in field.versions:
            continue
        if is_error_code(field):
            setattr(struct, field.name, int(code))
            found = True
        elif field.name == "error_message" and field.tag is None:
            struct.error_message = message if message is not None else code.message  # type: ignore[attr-defined]
    return found


def _fill_items(
    response: Any, request: Any, version: int, code: ErrorCode, message: str | None, deepest: bool = False
) -> None:
    """Give every array of the response one element for each element of the request's array that belongs to it."""
    for field in _arrays(response, version):
        source = _counterpart(field, request, version)
        if source is None:
            continue
        assert field.element is not None
        assert field.element.struct is not None
        items = []
        for asked in getattr(request, source.name) or ():
            item = field.element.struct()
            _carry_over(item, asked, version)
            has_items = deepest and any(True for _ in _arrays(item, version))
            if (has_items or not _put(item, version, code, message)) and isinstance(asked, Struct):
                _fill_items(item, asked, version, code, message, deepest)
            items.append(item)
        setattr(response, field.name, items)


def is_error_code(field: Field) -> bool:
    """Also `partition_error_code` of AddPartitionsToTxn; tagged ones are about details."""
    return field.name.endswith("error_code") and field.kind == "int16" and field.tag is None


def _arrays(struct: Any, version: int) -> Iterator[Field]:
    """The arrays of structs in which an error code can be put, at any depth."""
    for field in struct.__fields__:
        if field.kind == "array" and version in field.versions and field.tag is None:
            element = field.element.struct
            if element is not None and _holds_error(element, version):
                yield field


def _holds_error(struct: type[Struct], version: int) -> bool:
    return any(
        is_error_code(field) or (field.kind == "array" and field.element is not None
            and field.element.struct is not None and _holds_error(field.element.struct, version))
        for field in struct.__fields__
        if version in field.versions
    )  # fmt: skip


def _counterpart(field: Field, request: Any, version: int) -> Field | None:
    """The array of the request that this array of the response answers: the one with the most names in common."""
    candidates = [one for one in request.__fields__ if one.kind == "array" and version in one.versions]
    if len(candidates) == 1:
        return candidates[0]  # type: ignore[no-any-return]
    best: tuple[int, Field] | None = None
    assert field.element is not None
    assert field.element.struct is not None
    names = {inner.name for inner in field.element.struct.__fields__}
    for candidate in candidates:
        element = candidate.element.struct
        common = 0 if element is None else len(names & {inner.name for inner in element.__fields__})
        score = 4 * common + 2 * (candidate.name == field.name) + (element is None)
        if score and (best is None or score > best[0]):
            best = (score, candidate)
    return None if best is None else best[1]


def _carry_over(item: Any, asked: Any, version: int) -> None:
    """What the request says of an item, the answer says too."""
    if not isinstance(asked, Struct):
        kind = "string" if isinstance(asked, str) else "uuid" if isinstance(asked, bytes) else "int32"
        for field in item.__fields__:
            if field.kind == kind and version in field.versions and field.name not in ("error_code", "error_message"):
                setattr(item, field.name, asked)
                return
        return
    aliases = {_plain(field.name): field.name for field in asked.__fields__ if field.kind not in ("array", "records")}
    for field in item.__fields__:
        source = aliases.get(_plain(field.name))
        if source is not None and field.kind not in ("array", "records", "struct") and version in field.versions:
            setattr(item, field.name, getattr(asked, source))


def _plain(name: str) -> str:
    """Requests and responses of one API sometimes call the same thing differently: `partition`, `partition_index`."""
    return _ALIASES.get(name, name)


_ALIASES = {"partition": "index", "partition_index": "index", "topic_name": "name", "topic": "name", "key": "key"}


def _fetch(response: Any, request: Any, version: int, code: ErrorCode, message: str | None) -> None:
    """Fetch names its topics in an error, too, as long as they are named by name (Kafka's FetchRequest)."""
    if version < 13:
        _fill_items(response, request, version, code, message)


def _produce(response: Any, request: Any, version: int, code: ErrorCode, message: str | None) -> None:
    """Nothing has an offset (Kafka's ProduceRequest.getErrorResponse)."""
    for topic in response.responses:
        for partition in topic.partition_responses:
            partition.base_offset = -1


def _api_versions(response: Any, request: Any, version: int, code: ErrorCode, message: str | None) -> None:
    """Without a list of APIs nothing can be read into it."""
    response.api_keys = []


def _alter_replica_log_dirs(response: Any, request: Any, version: int, code: ErrorCode, message: str | None) -> None:
    """Asked by directory, answered by topic."""
    topics: dict[str, list[int]] = {}
    for directory in request.dirs:
        for topic in directory.topics:
            topics.setdefault(topic.name, []).extend(topic.partitions)
    result_of, response.results = _element(response, "results"), []
    for name, indexes in topics.items():
        result: Any = result_of(topic_name=name)
        partition_of = _element(result, "partitions")
        result.partitions = [partition_of(partition_index=index, error_code=int(code)) for index in indexes]
        response.results.append(result)


def _alter_user_scram_credentials(
    response: Any, request: Any, version: int, code: ErrorCode, message: str | None
) -> None:
    """Each user once, whatever was to become of it."""
    users = dict.fromkeys([one.name for one in request.upsertions] + [one.name for one in request.deletions])
    result_of = _element(response, "results")
    text = message if message is not None else code.message
    response.results = [result_of(user=user, error_code=int(code), error_message=text) for user in users]


def _describe_log_dirs(response: Any, request: Any, version: int, code: ErrorCode, message: str | None) -> None:
    """Nobody asks for a directory, so none is named; old versions have no place for the error then, in Kafka either."""
    response.results = []


def _in_items_too(response: Any, request: Any, version: int, code: ErrorCode, message: str | None) -> None:
    """At the top, and at each partition that was named as well."""
    _fill_items(response, request, version, code, message)


def _element(struct: Any, array: str) -> type[Struct]:
    field = next(one for one in struct.__fields__ if one.name == array)
    found: type[Struct] = field.element.struct
    return found


def _says_what_was_said(response: Any, request: Any, version: int, code: ErrorCode, message: str | None) -> None:
    """Requests of members of share groups hear no more than was said: the code alone where nothing was."""
    response.error_message = message


_OVERRIDES: dict[int, Fill] = {
    0: _produce,
    1: _fetch,
    18: _api_versions,
    34: _alter_replica_log_dirs,
    35: _describe_log_dirs,
    43: _in_items_too,
    45: _in_items_too,
    51: _alter_user_scram_credentials,
    76: _says_what_was_said,
    78: _says_what_was_said,
    79: _says_what_was_said,
}
