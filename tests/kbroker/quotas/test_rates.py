"""Rates and buckets against what Kafka's own classes say, and a few words of their own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.quotas.rates import Bucket, Rate, Windows

WINDOWS = Windows(11, 1000)

# Kafka 4.3.1's Rate (11 samples of a second) and TokenBucket (2.5 a second), measured right after each record: the
# time, what was recorded (of it modulo 40 from the bucket), the rate, its seconds, the tokens.
KAFKA = """
1005948 29 2.900000 10.000000 -1.500000
1006163 53 8.027411 10.215000 -13.962500
1015924 719 72.977405 10.976000 -28.560000
1016001 677 147.020790 10.053000 -65.367500
1016263 95 152.496365 10.315000 -79.712500
1016447 875 233.165063 10.499000 -114.252500
1023767 143 231.393526 10.843000 -118.952500
1024291 947 333.365487 10.367000 -144.642500
1024751 503 365.659924 10.827000 -166.492500
1025543 223 393.822394 10.619000 -187.512500
1025788 37 388.346834 10.864000 -223.900000
1026090 862 499.803266 10.166000 -245.145000
1026443 938 572.202681 10.519000 -262.262500
1027003 375 577.127900 11.079000 -275.862500
1027833 198 419.829128 10.066000 -311.787500
1039907 336 33.600000 10.000000 -297.602500
1040669 319 60.862293 10.762000 -334.697500
1041385 646 124.164917 10.478000 -338.907500
1041401 608 181.913474 10.494000 -346.867500
1041944 747 264.620903 10.037000 -372.510000
1042032 105 272.691358 10.125000 -397.290000
1042440 517 311.212380 10.533000 -433.270000
1044158 358 354.697103 10.251000 -466.975000
1044196 72 360.384877 10.289000 -498.880000
1044747 726 409.040590 10.840000 -503.502500
1047044 662 502.712834 10.137000 -519.760000
1047864 267 489.458793 10.957000 -544.710000
1047981 669 598.769109 10.074000 -573.417500
1048233 789 660.565563 10.326000 -601.787500
1048434 241 670.846395 10.527000 -602.285000
1049314 668 742.769290 10.407000 -628.085000
1049730 723 781.021898 10.823000 -630.045000
1050552 605 850.915923 10.645000 -632.990000
1055088 565 580.512351 10.930000 -626.650000
1055741 667 605.369939 11.583000 -652.017500
1055972 297 563.049048 10.928000 -668.440000
1056435 730 662.400154 10.391000 -677.282500
1056733 21 645.897652 10.689000 -697.537500
1057190 286 708.653657 10.146000 -702.395000
1075480 151 15.100000 10.000000 -687.670000
"""


def test_they_count_as_kafka_counts() -> None:
    rate, bucket = Rate(WINDOWS), None
    for line in KAFKA.split("\n"):
        if not line:
            continue
        at, amount, measured, seconds, tokens = line.split()
        now, recorded = int(at), float(amount)
        if bucket is None:
            bucket = Bucket(WINDOWS, 2.5, now)
        rate.record(recorded, now)
        bucket.take(recorded % 40, 2.5, now)
        assert rate.measure(now) == pytest.approx((float(measured), float(seconds)))
        owed = max(0, round(-float(tokens) / 2.5 * 1000))
        assert abs(bucket.debt_ms(2.5, now) - owed) <= 1


def test_a_rate_says_how_long_to_rest() -> None:
    rate = Rate(WINDOWS)
    rate.record(10_000, 5_000)
    assert rate.excess_ms(1000, 5_000) == 0, "ten seconds' worth at once is no excess"
    rate.record(500, 5_000)
    assert rate.excess_ms(1000, 5_000) == 500
    assert rate.excess_ms(1000, 5_500) == 0
    assert rate.excess_ms(1000, 60_000) == 0


def test_a_bucket_lets_one_overdraw_and_pay_off() -> None:
    bucket = Bucket(WINDOWS, 2.0, 0)
    bucket.take(22, 2.0, 0)
    assert bucket.debt_ms(2.0, 0) == 0
    bucket.take(10, 2.0, 0)
    assert bucket.debt_ms(2.0, 0) == 5_000
    assert bucket.debt_ms(2.0, 5_000) == 0


STEPS = st.lists(st.tuples(st.sampled_from([0, 1, 400, 999, 1000, 3000, 20_000]), st.floats(0, 30_000)), max_size=40)


@settings(max_examples=100)
@given(STEPS, st.sampled_from([10.0, 1000.0, 1e9]))
def test_the_short_way_counts_as_the_long_one(steps: list[tuple[int, float]], bound: float) -> None:
    short, long, now = Rate(WINDOWS), Rate(WINDOWS), 5_000
    for pause, amount in steps:
        now += pause
        long.record(amount, now)
        assert short.charge(amount, bound, now) == long.excess_ms(bound, now)
    assert short.measure(now) == long.measure(now)
