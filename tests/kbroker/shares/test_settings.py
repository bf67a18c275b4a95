import pytest

from kbroker.shares.settings import duration_ms


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("PT0S", 0), ("PT1.5S", 1_500), ("PT1H30M", 5_400_000), ("P2D", 172_800_000), ("P1DT1S", 86_401_000)],
)
def test_durations_are_read_as_iso_8601_has_them(text: str, milliseconds: int) -> None:
    assert duration_ms(text) == milliseconds
