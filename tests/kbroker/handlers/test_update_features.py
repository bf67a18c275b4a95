"""UpdateFeatures: levels rise and fall within what is supported, all or none, and stay over a restart."""

import pytest

from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.update_features import FeatureUpdateKey, UpdateFeaturesRequest

UPGRADE, SAFE, UNSAFE = 1, 2, 3
PREFIX = "The update failed for all features since the following feature had an error: "


async def update(
    desk: Desk, *updates: tuple[str, int, int], version: int = 2, validate_only: bool = False
) -> tuple[int, str | None, list[tuple[str, int, str | None]]]:
    request = UpdateFeaturesRequest(
        feature_updates=[FeatureUpdateKey(feature=name, max_version_level=level) for name, level, _ in updates]
    )
    if version >= 1:
        request.validate_only = validate_only
        for key, (_, _, kind) in zip(request.feature_updates, updates, strict=True):
            key.upgrade_type = kind
    response = await desk.ask(request, version)
    results = [(one.feature, one.error_code, one.error_message) for one in response.results]
    return response.error_code, response.error_message, results


@pytest.mark.parametrize("version", versions("update_features"))
def test_a_feature_is_raised_and_taken_away(version: int) -> None:
    async def test(desk: Desk) -> None:
        catalog = desk.cluster.catalog
        epoch = catalog.features.epoch
        told = [("group.version", 0, "NONE")] if version < 2 else []
        assert await update(desk, ("group.version", 1, UPGRADE), version=version) == (0, None, told)
        assert (catalog.features.levels, catalog.features.epoch) == ({"group.version": 1}, epoch + 1)
        assert (await update(desk, ("group.version", 1, UPGRADE), version=version))[0] == 0
        assert catalog.features.epoch == epoch + 1, "nothing is new"
        if version >= 1:
            assert (await update(desk, ("group.version", 0, SAFE), version=version, validate_only=True))[0] == 0
            assert catalog.features.levels == {"group.version": 1}
            assert (await update(desk, ("group.version", 0, SAFE), version=version))[0] == 0
            assert catalog.features.levels == {}

    at_a_desk(test)


@pytest.mark.parametrize(
    ("name", "level", "kind", "sentence"),
    [
        ("no.such", 1, UPGRADE, "Invalid update version 1 for feature no.such. Local controller 1 does not support "
         "this feature."),
        ("metadata.version", 99, UPGRADE, "Invalid update version 99 for feature metadata.version. Local controller 1 "
         "only supports versions 7-33"),
        ("share.version", 1, UPGRADE, "Invalid update version 1 for feature share.version. Can't downgrade the version "
         "of this feature without setting the upgrade type to either safe or unsafe downgrade."),
        ("share.version", -1, SAFE, "Invalid update version -1 for feature share.version. A feature version cannot be "
         "less than 0."),
        ("share.version", 1, 9, "Invalid update version 1 for feature share.version. The controller does not support "
         "the given upgrade type."),
        ("metadata.version", 20, SAFE, "Unsupported metadata.version downgrade from 33 to 20. Refusing to perform the "
         "requested downgrade because it might delete metadata information."),
        ("metadata.version", 20, UNSAFE, "Unsupported metadata.version downgrade from 33 to 20. Unsafe metadata "
         "downgrade is not supported in this version."),
        ("kraft.version", 0, SAFE, "Invalid update version 0 for feature kraft.version. Can't downgrade the version of "
         "this feature."),
    ],
)  # fmt: skip
def test_one_that_cannot_be_is_the_end_of_all(name: str, level: int, kind: int, sentence: str) -> None:
    async def test(desk: Desk) -> None:
        finalized = [("metadata.version", 33, 1), ("share.version", 2, 1), ("kraft.version", 1, 1)]
        assert (await update(desk, *finalized))[0] == 0
        epoch = desk.cluster.catalog.features.epoch
        assert await update(desk, ("group.version", 1, UPGRADE), (name, level, kind)) == (95, PREFIX + sentence, [])
        assert desk.cluster.catalog.features.epoch == epoch

    at_a_desk(test)


def test_who_may_not_is_told_so() -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {("ALTER", "CLUSTER", "kafka-cluster")}
        assert (await update(desk, ("group.version", 1, UPGRADE)))[0] == 31

    at_a_desk(test)
