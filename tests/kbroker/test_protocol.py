"""The protocol for users' own programs, in a checkout and in the shape of the wheel."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kbroker.protocol import explain, lines, message

ROOT = Path(__file__).resolve().parents[2]
FRAME = bytes.fromhex("000000150003000c000012340006676f6c64656e0001010000")

PROGRAM = """
from kbroker.protocol import explain, lines, message
request = message("HeartbeatRequest")(group_id="g", generation_id=3, member_id="m")
assert message("HeartbeatRequest").decode(request.encode(4), 4) == request
assert message("OffsetCommitValue")(offset=1, metadata="", commit_timestamp=2).encode(0)
notes = list(explain(bytes.fromhex("%s")))
assert notes[-1].type != "error", notes[-1]
assert len(list(lines(notes))) == len(notes)
import sys
print(sorted(name for name in sys.modules if name == "wire" or name.startswith("wire.")))
"""


def test_messages_are_found_by_kafkas_names() -> None:
    cls = message("EndTxnRequest")
    request = cls(transactional_id="t", producer_id=1, producer_epoch=2, committed=True)
    assert cls.decode(request.encode(5), 5) == request
    with pytest.raises(KeyError, match="NoSuchRequest"):
        message("NoSuchRequest")


def test_a_frame_is_explained_note_by_note_and_as_text() -> None:
    notes = list(explain(FRAME))
    assert b"".join([note.raw for note in notes]) == FRAME
    assert any("MetadataRequest v12" in line for line in lines(notes))


def test_what_cannot_be_told_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="tell their API and version"):
        explain(b"\xff\xff")


def test_it_works_from_the_wheels_shape_without_a_wire_or_with_a_strangers(tmp_path: Path) -> None:
    package = tmp_path / "kbroker"
    (package / "_house").mkdir(parents=True)
    for file in ("__init__.py", "protocol.py", "version.py"):
        shutil.copy(ROOT / "kbroker" / file, package)
    shutil.copytree(ROOT / "wire", package / "_house" / "wire", ignore=shutil.ignore_patterns("__pycache__"))
    start = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    for expected in ("[]", "['wire']"):
        done = subprocess.run(
            [sys.executable, "-P", "-c", start + PROGRAM % FRAME.hex()],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.stdout.strip(), done.stderr) == (expected, "")
        (tmp_path / "wire.py").write_text("STRANGER = True\n")
        start += "import wire; assert wire.STRANGER\n"
