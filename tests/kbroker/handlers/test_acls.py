"""DescribeAcls, CreateAcls, DeleteAcls without an authorizer: security is disabled, said for each thing asked."""

import pytest

from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.create_acls import AclCreation, CreateAclsRequest
from wire.messages.delete_acls import DeleteAclsFilter, DeleteAclsRequest
from wire.messages.describe_acls import DescribeAclsRequest

SECURITY_DISABLED = 54


@pytest.mark.parametrize("version", versions("describe_acls"))
def test_there_are_none_to_describe(version: int) -> None:
    async def test(desk: Desk) -> None:
        request = DescribeAclsRequest(
            resource_type_filter=1, resource_name_filter=None, principal_filter=None, host_filter=None, operation=1,
            permission_type=1,
        )  # fmt: skip
        response = await desk.ask(request, version)
        assert (response.error_code, response.error_message) == (
            SECURITY_DISABLED, "No Authorizer is configured on the broker",
        )  # fmt: skip
        assert response.resources == []

    at_a_desk(test)


@pytest.mark.parametrize("version", versions("create_acls"))
def test_none_is_created(version: int) -> None:
    async def test(desk: Desk) -> None:
        creation = AclCreation(
            resource_type=2, resource_name="t", principal="User:a", host="*", operation=3, permission_type=3
        )
        for count in (0, 2):
            response = await desk.ask(CreateAclsRequest(creations=[creation] * count), version)
            refused = (SECURITY_DISABLED, "No Authorizer is configured.")
            assert [(one.error_code, one.error_message) for one in response.results] == [refused] * count

    at_a_desk(test)


@pytest.mark.parametrize("version", versions("delete_acls"))
def test_none_is_deleted(version: int) -> None:
    async def test(desk: Desk) -> None:
        asked = DeleteAclsFilter(
            resource_type_filter=1, resource_name_filter=None, principal_filter=None, host_filter=None, operation=1,
            permission_type=1,
        )  # fmt: skip
        for count in (0, 2):
            response = await desk.ask(DeleteAclsRequest(filters=[asked] * count), version)
            refused = (SECURITY_DISABLED, "No Authorizer is configured.", [])
            found = [(one.error_code, one.error_message, one.matching_acls) for one in response.filter_results]
            assert found == [refused] * count

    at_a_desk(test)
