"""What a group's members and its coordinator said to each other, in order: a sequence diagram as values.

    actors    [{"id": 7, "client_id": "app-1", "member": "app-1-..."}]         one for each connection that spoke
    steps     {"kind": "ask",    "at_ms", "actor", "number", "api", "version", "says", "took_ms", "errors", "answer"}
              {"kind": "answer", ...the same}          later than something else: until then the member waited
              {"kind": "event",  "at_ms", "what", "member", "cause"}           what happened to the group
              {"kind": "quiet",  "at_ms", "until_ms", "counts": [{"actor", "api", "times"}]}

An ask whose answer came next has it with it; where others come between, the answer is a step of its own. Requests by
which nothing changes are counted, as many as come one after another.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

QUIET = (
    "Heartbeat", "OffsetCommit", "OffsetFetch", "ConsumerGroupHeartbeat", "ShareGroupHeartbeat",
    "StreamsGroupHeartbeat",
)  # fmt: skip
APIS = (
    *QUIET, "JoinGroup", "SyncGroup", "LeaveGroup", "DescribeGroups", "ConsumerGroupDescribe", "DeleteGroups",
    "TxnOffsetCommit", "OffsetDelete",
)  # fmt: skip
NAMED = 3
_LEAVES = {-1: "leaves", -2: "leaves for a while"}


class Said(NamedTuple):
    """A request: its row, when it began by a clock that only runs forward, and both messages as JSON."""

    row: dict[str, Any]
    began_s: float
    request: dict[str, Any]
    response: dict[str, Any] | None


class Event(NamedTuple):
    at_ms: int
    what: str
    member: str
    cause: str


Names = Callable[[str], str]
"""A topic's name, of its id as text."""


def sequence(said: Iterable[Said], events: Iterable[Event], name_of: Names) -> dict[str, Any]:
    """Both in one order: requests and answers by a clock that only runs forward, events, of which the broker's time is
    known, after what was asked in the same millisecond and before its answer."""
    actors: dict[int, dict[str, Any]] = {}
    moments: list[tuple[float, dict[str, Any]]] = []
    for one in said:
        step = _step(one, name_of)
        actor = actors.setdefault(step["actor"], {"id": step["actor"], "client_id": one.row["client_id"], "member": ""})
        actor["member"] = _member(one) or actor["member"]
        moments.append((one.began_s, step))
        if one.row["reply_bytes"] is not None and not step["is_quiet"]:
            moments.append((one.began_s + step["took_ms"] / 1000, {**step, "kind": "answer"}))
    moments.sort(key=lambda moment: moment[0])
    steps = [step for _, step in moments]
    for event in events:
        steps.insert(_place(steps, event), {"kind": "event", **event._asdict()})
    return {"actors": list(actors.values()), "steps": _quiet(_joined(steps))}


def _place(steps: Sequence[dict[str, Any]], event: Event) -> int:
    """Behind what was asked, or has happened, until then; before what was answered or asked later."""
    asked = [index for index, step in enumerate(steps) if step["kind"] != "answer" and step["at_ms"] <= event.at_ms]
    index = asked[-1] + 1 if asked else 0
    while index < len(steps) and steps[index]["at_ms"] + steps[index]["took_ms"] < event.at_ms:
        index += 1
    return index


def _step(one: Said, name_of: Names) -> dict[str, Any]:
    row = one.row
    changes = one.response is not None and one.response.get("assignment") is not None
    epoch = one.request.get("memberEpoch", 1)
    return {
        "kind": "ask",
        "at_ms": row["at_ms"],
        "took_ms": row["took_ms"],
        "actor": row["connection"],
        "number": row["number"],
        "api": row["api"],
        "version": row["version"],
        "errors": row["errors"],
        "says": asks(row["api"], one.request, name_of),
        "answer": answers(row["api"], one.response, name_of),
        "is_quiet": row["api"] in QUIET and not row["errors"] and not changes and epoch > 0,
    }


def _joined(steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """An answer that follows its question at once is told with it."""
    found: list[dict[str, Any]] = []
    for step in steps:
        last = found[-1] if found else {}
        if step["kind"] == "answer" and last.get("number") == step["number"] and last["kind"] == "ask":
            last["is_answered"] = True
        else:
            found.append(dict(step))
    return found


def _quiet(steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for step in steps:
        if not step.pop("is_quiet", False):
            found.append(step)
            continue
        if not found or found[-1]["kind"] != "quiet":
            found.append({"kind": "quiet", "at_ms": step["at_ms"], "until_ms": step["at_ms"], "counts": []})
        quiet = found[-1]
        quiet["until_ms"] = step["at_ms"]
        for count in quiet["counts"]:
            if (count["actor"], count["api"]) == (step["actor"], step["api"]):
                count["times"] += 1
                break
        else:
            quiet["counts"].append({"actor": step["actor"], "api": step["api"], "times": 1})
    return found


def _member(one: Said) -> str:
    for message in (one.response or {}, one.request):
        if isinstance(message.get("memberId"), str) and message["memberId"]:
            return str(message["memberId"])
    return ""


# --- words ----------------------------------------------------------------------------------------------------------


def asks(api: str, request: dict[str, Any], name_of: Names) -> str:
    """What a request wants, in some words."""
    if api == "JoinGroup":
        names = [each["name"] for each in request.get("protocols", ())]
        again = "again" if request.get("memberId") else "without a member id"
        return _words(f"joins {again}", ", ".join(names), request.get("reason"))
    if api == "SyncGroup":
        given = len(request.get("assignments", ()))
        return _words(f"generation {request.get('generationId')}", f"assigns to {given} members" if given else "")
    if api == "Heartbeat":
        return f"generation {request.get('generationId')}"
    if api == "LeaveGroup":
        members = request.get("members") or [request]
        return _words("leaves", *(each.get("reason") for each in members[:NAMED]))
    if api in ("OffsetCommit", "TxnOffsetCommit"):
        return _topics(request.get("topics"), "partitionIndex", name_of)
    if "memberEpoch" in request:
        epoch = request["memberEpoch"]
        words = _LEAVES.get(epoch) or (f"epoch {epoch}" if epoch else "joins")
        topics = ", ".join(request.get("subscribedTopicNames") or ())
        owns = request.get("topicPartitions")
        return _words(words, topics, "" if owns is None else f"has {_assigned(owns, name_of)}")
    return ""


def answers(api: str, response: dict[str, Any] | None, name_of: Names) -> str:
    """What an answer gives, in some words; its errors stand beside it."""
    if response is None or response.get("errorCode"):
        return ""
    if api == "JoinGroup":
        leads = response.get("leader") == response.get("memberId")
        of = f"leads {len(response.get('members', ()))} members" if leads else "follows"
        return _words(f"generation {response.get('generationId')}", response.get("protocolName"), of)
    if api == "SyncGroup":
        from kbroker.groups.subscription import read_assignment

        given = read_assignment(b64decode(response.get("assignment") or ""))
        if given is None:
            return ""
        return ", ".join(f"{topic}/{','.join(map(str, indexes))}" for topic, indexes in given) or "nothing"
    if "memberEpoch" in response:
        assignment = response.get("assignment")
        has = "" if assignment is None else f"gets {_assigned(_given(assignment), name_of)}"
        return _words(f"epoch {response['memberEpoch']}", has)
    return ""


def _given(assignment: Any) -> Any:
    """Of a streams group it is tasks, which have no topics."""
    return assignment.get("topicPartitions", ()) if isinstance(assignment, dict) else ()


def _assigned(topics: Any, name_of: Names) -> str:
    parts = [f"{name_of(each['topicId'])}/{','.join(map(str, each['partitions']))}" for each in topics or ()]
    return ", ".join(parts) or "nothing"


def _topics(topics: Any, index: str, name_of: Names) -> str:
    found = []
    for topic in (topics or ())[:NAMED]:
        name = topic.get("name") or name_of(topic.get("topicId", ""))
        found.append(f"{name}/{','.join(str(each[index]) for each in topic.get('partitions', ()))}")
    return ", ".join(found)


def _words(*parts: Any) -> str:
    return "; ".join(str(part) for part in parts if part)
