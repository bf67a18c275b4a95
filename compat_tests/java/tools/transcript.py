"""A transcript: commands of Kafka's tools, and what Apache Kafka made them say.

A file reads like a terminal, and is the script of its own recording:

    # words about it
    broker: NAME=VALUE                   a config of the broker, before the first command
    file NAME                            a file for the commands, `@NAME` in their words; its lines are indented
      LINE
    $ Tool --word 'and words'            runs the tool; the address is added where {address} does not stand
    < LINE                               what it reads from standard input
      LINE                               what it says (masked, see `masked`)
      [1]                                its exit status, when that is not 0
    $ NAME & Tool ...                    runs beside the others, until
    $ stop NAME
    $ until REGEX :: Tool ...            asks again until a line of it matches (may be `sorted`, too)
    $ sorted Tool ...                    its lines may come in any order
    $ count REGEX :: Tool ...            only how many lines match, after the status
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

TRANSCRIPTS = Path(__file__).parent / "transcripts"
CLASSES = {
    "ConfigCommand": "kafka.admin.ConfigCommand",
    "ConsoleConsumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "ConsoleShareConsumer": "org.apache.kafka.tools.consumer.ConsoleShareConsumer",
    "ConsumerGroupCommand": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "ReassignPartitionsCommand": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    "ShareGroupCommand": "org.apache.kafka.tools.consumer.group.ShareGroupCommand",
    "StreamsGroupCommand": "org.apache.kafka.tools.streams.StreamsGroupCommand",
}
APPLICATIONS = ("WordCount",)
CLASSES |= {name: name for name in APPLICATIONS}
# what differs from run to run, whoever answers
MASKS = (
    (r"(?s)\n(?=Option( \(\* = required\))? +Description).*", ""),  # a tool's own usage
    (r"\}(?=\{\"key|Processed)", "}\n"),
    (r"(?m)(?<=\sEpoch: )\d+(?=\s*$)", "N"),
    (r"(?<=HighWatermark:)\s+\d+", " N"),
    (r"(?<=directoryId=)(?!A{21})[\w-]{22}", "ID"),
    (r"(?m)^(\d+)\s+[\w-]{22}\s+\d+(?=\s+0\s)", r"\1 ID N"),
    (r"\b\d+ ms ago", "TIME"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
    (r"console-consumer-\d+", "console-consumer-N"),
    (r"\b127\.0\.0\.1:\d+", "HOST:PORT"),
    (r"/127\.0\.0\.1\b|\b127\.0\.0\.1\b|\blocalhost\b", "HOST"),
    (r"(?<=Id: )\s*[\w-]{22}\b", " ID"),
    (r"(?<![\w.-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?!A{21}|LatestCoordinator)[\w-]{22}(?![\w(-])", "ID"),
    (r"(?<=\s)(1[6-9]\d{11})\s+\d+(?=\s*$)", "TIME TIME"),  # a transaction's start and duration
    (r"\b(1[6-9]\d{11})\b", "TIME"),
    (r"/[\w./-]*/(logs|data)\b", "DIRECTORY"),
    (r"/[\w./-]*/([\w-]+\.(json|properties|csv))\b", r"\1"),
    (r'(?<="size":)\d+', "SIZE"),
    (r'(?<="avg_throughput":)[\d.]+', "RATE"),
)


class Step(NamedTuple):
    """One command: how it runs, its words, its standard input and the recorded lines."""

    text: str
    how: str
    pattern: str
    in_order: bool
    words: list[str]
    lines_in: list[str]
    said: list[str]

    @property
    def tool(self) -> str:
        return CLASSES.get(self.words[0], f"org.apache.kafka.tools.{self.words[0]}")


class Transcript(NamedTuple):
    name: str
    settings: list[str]
    files: dict[str, str]
    steps: list[Step]
    source: list[str]

    def rewritten(self, said: list[list[str]]) -> str:
        """The file again, with other recorded lines."""
        out: list[str] = []
        answers = iter(said)
        waiting: list[str] | None = None
        dropping = False
        for line in self.source:
            if waiting is not None and not line.startswith(("<", "  ")):
                out += [f"  {each}".rstrip() for each in waiting]
                waiting = None
            if line.startswith("$ "):
                waiting, dropping = next(answers), True
            elif not line.startswith(("<", "  ")):
                dropping = False
            if not (dropping and line.startswith("  ")):
                out.append(line)
        out += [f"  {each}".rstrip() for each in waiting or []]
        return "\n".join(out) + "\n"


def load(path: Path) -> Transcript:
    source = path.read_text().splitlines()
    settings: list[str] = []
    files: dict[str, str] = {}
    steps: list[Step] = []
    into: list[str] | None = None
    name = ""
    for line in source:
        if line.startswith("broker: "):
            settings.append(line.removeprefix("broker: "))
        elif line.startswith("file "):
            name, into = line.removeprefix("file "), None
            files[name] = ""
        elif line.startswith("$ "):
            steps.append(_step(line.removeprefix("$ ")))
            name, into = "", steps[-1].said
        elif line.startswith("< "):
            steps[-1].lines_in.append(line.removeprefix("< "))
        elif line.startswith("  ") and name:
            files[name] += line[2:] + "\n"
        elif line.startswith("  "):
            assert into is not None, line
            into.append(line[2:])
        else:
            assert not line or line.startswith("#"), f"{path.name}: {line}"
    return Transcript(path.stem, settings, files, steps, source)


def _step(text: str) -> Step:
    how, pattern, rest = "", "", text
    if found := re.match(r"(until|count) (.*?) :: (.*)", text):
        how, pattern, rest = found.groups()
    elif found := re.match(r"([a-z]\w*) & (.*)", text):
        how, pattern, rest = "background", found[1], found[2]
    elif found := re.match(r"stop (\w+)$", text):
        how, pattern = "stop", found[1]
    in_order = not rest.startswith("sorted ")
    return Step(text, how, pattern, in_order, shlex.split(rest.removeprefix("sorted ")), [], [])


def masked(text: str) -> list[str]:
    """The lines without what differs from run to run, without empty ones, and with single blanks between columns."""
    for pattern, instead in MASKS:
        text = re.sub(pattern, instead, text)
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in text.splitlines()]
    return [line for line in lines if line and not re.match(r"-{5,}|(at [\w.$/]+\(.*\)|\.\.\. \d+ more)$", line)]
