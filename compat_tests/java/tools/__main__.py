"""Records what Apache Kafka makes its tools say, into the transcripts:

python -m compat_tests.java.tools --rewrite 'COMMAND {port} {dir} [NAME=VALUE ...]' [PATTERN ...]

COMMAND runs a Kafka in the foreground; configs come as further words. Without --rewrite kbroker plays, and what
differs is shown.
"""

from __future__ import annotations

import argparse
import difflib
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path

from compat_tests.broker import Process
from compat_tests.java.tools.compare import rules, settled
from compat_tests.java.tools.machine import DEVELOPMENT, Machine, play
from compat_tests.java.tools.transcript import TRANSCRIPTS, Transcript, load


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rewrite", metavar="COMMAND")
    parser.add_argument("patterns", nargs="*")
    chosen = parser.parse_args()
    applications = tempfile.TemporaryDirectory()
    machine = Machine(applications=Path(applications.name))
    wrong = 0
    for path in sorted(TRANSCRIPTS.glob("*.txt")):
        if chosen.patterns and not any(fnmatchcase(path.stem, each) for each in chosen.patterns):
            continue
        transcript = load(path)
        with tempfile.TemporaryDirectory() as home:
            settings = [*DEVELOPMENT, *transcript.settings]
            broker = Process(Path(home), settings=settings, command=chosen.rewrite).start()
            try:
                said = play(transcript, machine, broker, Path(home))
            finally:
                broker.close()
        if chosen.rewrite:
            path.write_text(transcript.rewritten(said))
        else:
            wrong += _show(transcript, said)
    machine.close()
    applications.cleanup()
    return 1 if wrong else 0


def _show(transcript: Transcript, said: list[list[str]]) -> int:
    agreed = rules()
    wrong = 0
    for step, ours in zip(transcript.steps, said, strict=True):
        kafka, we = settled(transcript.name, step.said, ours, agreed, in_order=step.in_order)
        if kafka != we:
            wrong += 1
            print(f"{transcript.name}: $ {step.text}")
            print("\n".join(difflib.unified_diff(kafka, we, "Apache Kafka", "kbroker", n=1, lineterm="")))
    return wrong


if __name__ == "__main__":
    raise SystemExit(main())
