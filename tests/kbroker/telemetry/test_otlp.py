"""Our reader of OpenTelemetry's metrics against the generated one, and against bytes that are nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData

from kbroker.telemetry.otlp import Metric, metrics

texts = st.text(max_size=8)


@st.composite
def pushes(draw: st.DrawFn) -> tuple[MetricsData, list[Metric]]:
    """A push, and what it says."""
    data, expected = MetricsData(), []
    for _ in range(draw(st.integers(0, 3))):
        resource_metrics = data.resource_metrics.add()
        resource = draw(st.dictionaries(texts, texts, max_size=2))
        for key, value in resource.items():
            attribute = resource_metrics.resource.attributes.add(key=key)
            attribute.value.string_value = value
        scope = resource_metrics.scope_metrics.add()
        for _ in range(draw(st.integers(0, 3))):
            name, unit = draw(texts), draw(texts)
            metric = scope.metrics.add(name=name, unit=unit, description="not read")
            kind = draw(st.sampled_from(["gauge", "sum", "histogram"]))
            attributes = draw(st.dictionaries(texts, st.integers(-(2**63), 2**63 - 1), max_size=2))
            how = False, False
            if kind == "sum":
                how = draw(st.booleans()), draw(st.booleans())
                metric.sum.aggregation_temporality, metric.sum.is_monotonic = 1 if how[0] else 2, how[1]
            points = getattr(metric, kind).data_points
            point = points.add(time_unix_nano=draw(st.integers(0, 2**62)))
            for key, number in attributes.items():
                point.attributes.add(key=key).value.int_value = number
            if kind == "histogram":
                value = draw(st.floats(allow_nan=False))
                point.sum, point.count = value, 3
            elif draw(st.booleans()):
                value = draw(st.floats(allow_nan=False))
                point.as_double = value
            else:
                whole = draw(st.integers(-(2**53), 2**53))
                value, point.as_int = float(whole), whole
            told = {key: str(number) for key, number in attributes.items()}
            expected.append(Metric(name, kind, value, unit, told, resource, point.time_unix_nano // 1_000_000, *how))
    return data, expected


@settings(max_examples=60)
@given(pushes())
def test_it_reads_what_the_generated_code_has_written(push: tuple[MetricsData, list[Metric]]) -> None:
    data, expected = push
    assert metrics(data.SerializeToString()) == expected


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_bytes_of_no_meaning_are_refused_or_passed_over(data: bytes) -> None:
    try:
        found = metrics(data)
    except ValueError:
        return
    assert all(one.name.encode() in data for one in found), "nothing is made up"


@pytest.mark.parametrize("data", [b"\x0a\x05ab", b"\x0b", b"\x0a\x80", b"\xff" * 11])
def test_what_ends_too_early_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"a (field|number)"):
        metrics(data)
