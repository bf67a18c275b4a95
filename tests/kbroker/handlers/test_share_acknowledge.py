"""ShareAcknowledge: the session's rules, and what may be said. Codes are those of Apache Kafka 4.4.0."""

from collections.abc import Sequence

import pytest

from tests.kbroker.handlers.share_desk import ShareDesk, acquired, at_a_share_desk, codes
from tests.kbroker.handlers.test_share_fetch import begin
from tests.kbroker.virtual import passed

ACCEPT, RELEASE, REJECT, RENEW = 1, 2, 3, 4


@pytest.mark.parametrize(
    ("ranges", "code"),
    [
        ([(0, 9, [ACCEPT])], 0),
        ([(0, 1, [ACCEPT]), (4, 5, [RELEASE])], 0),
        ([(3, 3, [9])], 42),
        ([(3, 3, [-1])], 42),
        ([(5, 4, [ACCEPT])], 42),
        ([(4, 5, [ACCEPT]), (0, 1, [ACCEPT])], 42),
        ([(0, 5, [ACCEPT, ACCEPT])], 42),
        ([(0, 5, [])], 42),
        ([(0, 5, [ACCEPT]), (5, 6, [ACCEPT])], 121),
        ([(5, 15, [ACCEPT])], 42),
        ([(10, 15, [ACCEPT])], 42),
        ([(3, 4, [RENEW])], 42),
    ],
)
def test_what_is_said_of_a_partition_is_right_or_it_is_refused(
    ranges: Sequence[tuple[int, int, Sequence[int]]], code: int
) -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 10)
        await desk.fetch()
        answer = await desk.acknowledge("m", *ranges)
        assert (answer.error_code, answer.acquisition_lock_timeout_ms, codes(answer)) == (0, 30_000, [(0, code)])
        if code:
            assert codes(await desk.acknowledge("m", (0, 9, [ACCEPT]))) == [(0, 0)], "nothing had happened"

    at_a_share_desk(test)


def test_nobody_acknowledges_for_another() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 2)
        await desk.fetch("m")
        await desk.fetch("n")
        assert codes(await desk.acknowledge("n", (0, 1, [ACCEPT]))) == [(0, 121)]

    at_a_share_desk(test)


def test_a_lock_that_has_expired_is_too_late_to_acknowledge() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 2)
        await desk.fetch("m")
        await passed(31)
        assert codes(await desk.acknowledge("m", (0, 1, [ACCEPT]))) == [(0, 121)]

    at_a_share_desk(test)


@pytest.mark.parametrize(("epoch", "code"), [(0, 123), (5, 123)])
def test_it_goes_on_with_a_session(epoch: int, code: int) -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 2)
        assert (await desk.acknowledge("m", (0, 1, [ACCEPT]), epoch=1)).error_code == 122
        await desk.fetch("m")
        refused = await desk.acknowledge("m", (0, 1, [ACCEPT]), epoch=epoch)
        assert (refused.error_code, refused.responses) == (code, [])

    at_a_share_desk(test)


def test_the_last_word_ends_the_session_and_gives_the_rest_back() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 4)
        await desk.fetch("m")
        assert codes(await desk.acknowledge("m", (0, 1, [ACCEPT]), epoch=-1)) == [(0, 0)]
        assert acquired(await desk.fetch("n")) == [(2, 3, 2)]

    at_a_share_desk(test)


def test_renewing_may_be_forbidden() -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 2, share_renew_acknowledge_enable="false")
        await desk.fetch("m")
        assert codes(await desk.acknowledge("m", (0, 1, [RENEW]), is_renew_ack=True)) == [(0, 42)]

    at_a_share_desk(test)
