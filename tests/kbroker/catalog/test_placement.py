"""Where replicas go."""

from hypothesis import given
from hypothesis import strategies as st

from kbroker.catalog.placement import spread


@given(st.integers(1, 20), st.integers(1, 5), st.integers(0, 10), st.data())
def test_replicas_are_distinct_and_leaders_are_even(count: int, nodes: int, start: int, data: st.DataObject) -> None:
    factor = data.draw(st.integers(1, nodes))
    placed = spread(count, factor, list(range(1, nodes + 1)), start)
    assert len(placed) == count
    assert all(len(set(replicas)) == factor for replicas in placed)
    leaders = [replicas[0] for replicas in placed]
    counts = [leaders.count(node) for node in range(1, nodes + 1)]
    assert max(counts) - min(counts) <= 1


def test_the_first_leader_follows_the_start() -> None:
    assert spread(3, 2, [1, 2, 3], 4) == [[2, 3], [3, 1], [1, 2]]
