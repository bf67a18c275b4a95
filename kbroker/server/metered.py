"""What is counted of every answer, while somebody may ask for it (`--http`): its time, its bytes, the error codes in
it, and for Produce and Fetch what went through each topic.

Each API has a tally (`Entry.tally`), which is told of a reply when it has been made. It only puts it aside with the
time that it took; they are counted some dozens at a time, or when a page of metrics is asked for. So the code that
counts is in the processor's caches when it runs, which takes off most of what it cost between two requests: of a
Metadata 7 to 14 % of CPU where it was 20. A large one is not kept, but counted at once with those before it.

Error codes are read by lines that are written for the response at its first use, as its bytes are (wire/compile.py);
what is said of a topic in Metadata is read once, and remembered where its bytes are. Nothing is looked at below a
batch's header, and nothing is made for a request that is not made without metrics.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import cache, partial
from operator import attrgetter
from struct import Struct as Unpack
from typing import TYPE_CHECKING, Any

from kbroker.metrics import LATENCY_S, ApiCounts, Metrics
from kbroker.server.apis import Entry, Tally
from kbroker.server.dispatch import FETCH, PRODUCE, Dispatcher
from kbroker.server.errors import is_error_code
from wire.messages.produce import PartitionProduceResponse
from wire.schema import Struct

if TYPE_CHECKING:
    from kbroker.cluster import Cluster

BY_ID = 13
"""From this version on Produce and Fetch give topics by their ids."""

CODES = "error codes"  # in the memo of what is kept

_records_in = Unpack(">57xi").unpack_from  # of a batch, by its header
_AT_ONCE, _LARGE_BYTES = 64, 8192

_Answer = tuple[int, float, int, int, Any]  # version, seconds, bytes in and out, response


def count_replies(cluster: Cluster, dispatcher: Dispatcher) -> Metrics:
    """From now on; where they are counted."""
    metrics = Metrics()
    cluster.apis.tally_of = Tallies(cluster, metrics).of
    dispatcher.measure()
    return metrics


class Tallies:
    """Makes the tally of each API; `metrics` is where they count."""

    def __init__(self, cluster: Cluster, metrics: Metrics) -> None:
        self.cluster = cluster
        self.metrics = metrics

    def of(self, entry: Entry) -> Tally:
        aside: list[_Answer] = []
        count = partial(self._count, entry, aside, _Versions(self.metrics, entry))
        self.metrics.aside.append(count)
        put_aside, clock = aside.append, self.cluster.world.work_time

        def tally(call: Any, response: Any, bytes_out: int) -> None:
            if response is None:
                self._silent(call)
            bytes_in = len(call.frame)
            put_aside((call.version, clock() - call.began_s, bytes_in, bytes_out, response))
            if len(aside) >= _AT_ONCE or bytes_in + bytes_out > _LARGE_BYTES:
                count()

        return tally

    def _count(self, entry: Entry, aside: list[_Answer], versions: dict[int, ApiCounts]) -> None:
        """Everything that one API has put aside."""
        key, errors = entry.api.key, self.metrics.errors
        told = {PRODUCE: self._produced, FETCH: self._fetched}.get(key)
        codes_of = codes_in(entry.response_class)
        for version, seconds, bytes_in, bytes_out, response in aside:
            counts = versions[version]
            counts.seconds += seconds
            counts.bytes_in += bytes_in
            counts.bytes_out += bytes_out
            counts.buckets[bisect_left(LATENCY_S, seconds)] += 1
            if response is None:
                continue
            if told is not None:
                counts.fine += told(version, response)
            elif any(codes := codes_of(response)):
                counts.fine += codes.count(0)
                for code in filter(None, codes):
                    errors[key, code] += 1
            else:
                counts.fine += len(codes)
        aside.clear()

    def _silent(self, call: Any) -> None:
        """Nothing is answered: a Produce with acks=0, all of which has been taken, or what a test has dropped."""
        if call.api_key != PRODUCE or call.request.acks != 0:
            return
        fine = 0
        for topic in call.request.topic_data:
            counts = self.metrics.topics[self._name(topic) if call.version >= BY_ID else topic.name]
            for partition in topic.partition_data:
                fine += 1
                counts.produces += 1
                counts.bytes_in += len(partition.records)
                counts.records_in += _records_in(partition.records)[0]  # there is one batch in it, and it is whole
        self.metrics.apis[PRODUCE, call.version].fine += fine

    def _produced(self, version: int, response: Any) -> int:
        """How many partitions have taken it."""
        topics, errors, fine = self.metrics.topics, self.metrics.errors, 0
        for topic in response.responses:
            for part in topic.partition_responses:
                counts = topics[self._name(topic, part) if version >= BY_ID else topic.name]
                counts.produces += 1
                if code := part.error_code:
                    counts.failed_produces += 1
                    errors[PRODUCE, code] += 1
                elif type(part) is not PartitionProduceResponse:  # which stands where a test has made the answer
                    fine += 1
                    counts.bytes_in += part.size
                    counts.records_in += part.count
        return fine

    def _fetched(self, version: int, response: Any) -> int:
        """How many places tell of no error: the partitions', and that of the whole."""
        topics, errors, fine = self.metrics.topics, self.metrics.errors, 1
        if code := response.error_code:
            errors[FETCH, code] += 1
            fine = 0
        for topic in response.responses:
            for part in topic.partitions:
                counts = topics[self._name(topic, part) if version >= BY_ID else topic.topic]
                counts.fetches += 1
                if code := part.error_code:
                    counts.failed_fetches += 1
                    errors[FETCH, code] += 1
                    continue
                fine += 1
                if records := part.records:
                    counts.bytes_out += _size(records)
        return fine

    def _name(self, topic: Any, part: Any = None) -> str:
        """Of a topic that is told by its id. What our handlers have answered knows it, be it deleted meanwhile."""
        found = getattr(part, "topic", None) or self.cluster.catalog.topic_by_id(topic.topic_id)
        return "" if found is None else str(found.name)


class _Versions(dict[int, ApiCounts]):
    """The counts of one API by version, each made when it is first asked for."""

    def __init__(self, metrics: Metrics, entry: Entry) -> None:
        self._metrics = metrics
        self._key = entry.api.key

    def __missing__(self, version: int) -> ApiCounts:
        counts = self[version] = self._metrics.apis[self._key, version]
        return counts


def _size(records: Any) -> int:
    return len(records) if isinstance(records, bytes | bytearray | memoryview) else sum(map(len, records))


@cache
def codes_in(struct: type[Struct]) -> Callable[[Any], list[int]]:
    """What collects every error code of such a response. Arrays without any are not looked at, and those of which each
    item has one, and nothing else, in one step."""
    names: dict[str, Any] = {"CODES": CODES}
    lines = ["def codes_in(o):", f"    codes = [{', '.join(f'o.{name}' for name in _own(struct))}]"]
    _write(struct, "o", 1, lines, names)
    lines.append("    return codes")
    exec("\n".join(lines), names)
    made: Callable[[Any], list[int]] = names["codes_in"]
    return made


def _write(struct: type[Struct], value: str, depth: int, lines: list[str], names: dict[str, Any]) -> None:
    """The lines that read the arrays of a struct."""
    margin, item = "    " * depth, f"o{depth}"
    for name, element, is_kept in _branches(struct):
        own = _own(element)
        if len(own) == 1 and not _branches(element):
            names[f"{own[0]}_of"] = attrgetter(own[0])
            lines.append(f"{margin}codes += map({own[0]}_of, {value}.{name} or ())")
            continue
        lines.append(f"{margin}for {item} in {value}.{name} or ():")
        if is_kept:
            plain, known = f"plain_{len(names)}", f"known_{len(names)}"
            names[plain], names[known] = element, partial(_known, codes_in(element))
            lines.append(f"{margin}    if type({item}) is not {plain}:")
            lines.append(f"{margin}        codes += {item}.memo.get(CODES) or {known}({item})")
            lines.append(f"{margin}        continue")
        lines.append(f"{margin}    codes += ({''.join(f'{item}.{field}, ' for field in own)})")
        _write(element, item, depth + 1, lines, names)


def _known(codes_of: Callable[[Any], list[int]], kept: Any) -> list[int]:
    codes = kept.memo[CODES] = codes_of(kept)
    return codes


def _own(struct: type[Struct]) -> list[str]:
    return [field.name for field in struct.__fields__ if is_error_code(field)]


def _branches(struct: type[Struct]) -> list[tuple[str, type[Struct], bool]]:
    """The arrays with error codes in them, at any depth; whether their items may be kept."""
    return [array for array in _arrays(struct) if _own(array[1]) or _branches(array[1])]


def _arrays(struct: type[Struct]) -> Iterator[tuple[str, type[Struct], bool]]:
    for field in struct.__fields__:
        if field.kind == "array" and field.element is not None and field.element.struct is not None:
            yield field.name, field.element.struct, field.kept
