"""CRC-32C: the known answers, and that it is there without a slow import."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from wire.crc import crc32c


def test_the_known_answers() -> None:
    assert crc32c(b"") == 0
    assert crc32c(b"123456789") == 0xE3069283  # the check value of the catalogue of CRCs
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert crc32c(b"\xff" * 32) == 0x62A8AB43


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_sum_goes_on_where_another_ended(front: bytes, back: bytes) -> None:
    assert crc32c(back, crc32c(front)) == crc32c(front + back)


def test_views_and_bytearrays_are_summed_as_they_are() -> None:
    whole = bytearray(b"..123456789..")
    assert crc32c(memoryview(whole)[2:-2]) == 0xE3069283


def test_loading_it_does_not_load_the_machinery_of_packages() -> None:
    program = "import sys, wire.crc; assert wire.crc.crc32c(b'x'); print('importlib.metadata' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_package_can_still_be_imported_by_others_afterwards() -> None:
    program = "import wire.crc, crc32c; assert crc32c.crc32c(b'ab') == wire.crc.crc32c(b'ab'); print('same')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "same"


def test_the_package_is_used_where_somebody_imported_it_before() -> None:
    program = "import crc32c, wire.crc; print(wire.crc.crc32c is crc32c.crc32c)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
