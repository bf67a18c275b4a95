"""Ten runs of kill -9 under load: what write(2) took is there, in order, once, and committed offsets do not go back.

    python -m compat_tests.proof.kills [--runs 10] [--kills 3] [--seed 1]

In each run two idempotent producers (librdkafka, acks=all) write as fast as they are answered, each into a topic of
four partitions with small segments, so that segments roll and are sealed all the time, and a member of a group commits
one offset after the other. The process is killed at a moment that the seed decides, started again on the same data and
port, and so on; nobody tells the clients. Afterwards every log is read whole (compat_tests/crash/checks.py): each
acknowledged record is at the offset that the answer said, no record is there twice, each partition is in the order in
which it was sent, without a hole; and after each start the group's offset is one that was acknowledged or asked for
later. Ends with status 1 at the first run in which that is not so.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from compat_tests.broker import Process
from compat_tests.crash.checks import PARTITIONS, Writer, check, read_everything
from compat_tests.drivers import Client, Consumer
from compat_tests.drivers.confluent import Confluent
from compat_tests.proof import hush_librdkafka

GROUP = "kills"
WRITERS = 2
SETTINGS = ("log.segment.bytes=1048576",)


class Committer(threading.Thread):
    """Commits offset after offset; `acknowledged` is the last one that was answered, `asked` the last one sent."""

    def __init__(self, consumer: Consumer, topic: str) -> None:
        super().__init__(daemon=True)
        self.consumer = consumer
        self.place = (topic, 0)
        self.acknowledged = self.asked = 0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.is_set():
            self.asked = self.acknowledged + 1
            try:
                self.consumer.commit({self.place: self.asked})
            except Exception:  # the broker is gone: the same offset again
                self._ended.wait(0.02)
                continue
            self.acknowledged = self.asked

    def end(self) -> None:
        self._ended.set()
        self.join(60)
        assert not self.is_alive(), "the commit was never answered"


def wait(what: str, done: object, seconds: float = 60.0) -> None:
    assert callable(done)
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.01)


def go_on(writers: list[Writer], committer: Committer) -> None:
    """Until everybody has got further than now."""
    answered, committed = [len(writer.answers) for writer in writers], committer.acknowledged
    for writer, count in zip(writers, answered, strict=True):
        wait("a producer going on", lambda w=writer, c=count: len(w.answers) >= c + w.chunk or w.error is not None)  # type: ignore[misc]
        assert writer.error is None, writer.error
    wait("commits going on", lambda: committer.acknowledged > committed)


def live(home: Path, kills: int, rng: random.Random) -> str:
    """One run; what it has seen, or an AssertionError."""
    broker = Process(home, settings=SETTINGS).start()
    client: Client = Confluent(broker.bootstrap)
    try:
        topics = [client.create_topic(f"kills-{at}", partitions=PARTITIONS) for at in range(WRITERS)]
        writers = [Writer(client.producer(linger_ms=0), topic, chunk=2000) for topic in topics]
        committer = Committer(client.consumer(group=GROUP), topics[0])
        for thread in [*writers, committer]:
            thread.start()
        down_ms = []
        for _ in range(kills):
            go_on(writers, committer)
            time.sleep(rng.uniform(0, 1))
            broker.kill()
            acknowledged = committer.acknowledged
            began = time.monotonic()
            broker.restart()
            down_ms.append((time.monotonic() - began) * 1000)
            found = client.consumer(group=GROUP).committed(committer.place)
            assert found is not None and acknowledged <= found <= committer.asked, (
                acknowledged,
                found,
                committer.asked,
            )
        go_on(writers, committer)
        committer.end()
        answers = [writer.end() for writer in writers]
        for topic, given in zip(topics, answers, strict=True):
            check(read_everything(client, topic), given)
        records, commits = sum(map(len, answers)), committer.acknowledged
        ready = ", ".join(f"{ms:.0f}" for ms in down_ms)
        return f"{records:7,} records acknowledged, {commits:5,} commits; ready again after {ready} ms"
    finally:
        client.close()
        broker.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--kills", type=int, default=3, help="in each run")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    hush_librdkafka()
    for run in range(arguments.runs):
        with tempfile.TemporaryDirectory() as home:
            try:
                seen = live(Path(home), arguments.kills, random.Random(arguments.seed + run))
            except AssertionError as error:
                print(f"run {run + 1}: {error}")
                return 1
        print(f"run {run + 1}: {seen}", flush=True)
    print(f"{arguments.runs * arguments.kills} kills, no violated invariant")
    return 0


if __name__ == "__main__":
    sys.exit(main())
