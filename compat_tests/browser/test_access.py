"""Who may do what and how much, in the console: access rules, users, quotas, metrics of clients."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from compat_tests.browser.conftest import Shown
from compat_tests.browser.test_topics import rows_of
from compat_tests.tools import need_module, unique

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = need_module("playwright.sync_api", "browser").expect

AUTHORIZER = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer"
ANY_RULE = {
    "resourceTypeFilter": 1, "resourceNameFilter": None, "patternTypeFilter": 1, "principalFilter": None,
    "hostFilter": None, "operation": 1, "permissionType": 1,
}  # fmt: skip


def rules(shown: Shown) -> list[tuple[str, str]]:
    resources = shown.kafka("DescribeAcls", ANY_RULE)["resources"]
    return [(acl["principal"], resource["resourceName"]) for resource in resources for acl in resource["acls"]]


def test_rules_are_made_and_deleted(
    page: Page, new_shown: Callable[..., Shown], snapshot: Callable[[str], None]
) -> None:
    shown = new_shown(AUTHORIZER, "super.users=User:console")
    page.goto(f"{shown.url}#/acls")
    expect(page.get_by_text("There are no rules")).to_be_visible()
    dialog = page.get_by_role("dialog")
    for who, name, resource, pattern in (
        ("User:alice", "orders", "topic", "literal"), ("User:bob", "bill", "group", "prefixed"),
    ):  # fmt: skip
        page.get_by_role("button", name="Add rule").click()
        dialog.get_by_label("Who").fill(who)
        dialog.get_by_label("Resource").select_option(resource)
        dialog.get_by_label("Name", exact=True).fill(name)
        dialog.get_by_label("The name is").select_option(pattern)
        dialog.get_by_role("button", name="Add").click()
        expect(dialog).to_have_count(0)
    expect(rows_of(page, "Access rules")).to_have_count(2)
    assert sorted(rules(shown)) == [("User:alice", "orders"), ("User:bob", "bill")]
    snapshot("acls")
    page.get_by_label("Filter rules").fill("bob read on group bill*")
    expect(rows_of(page, "Access rules")).to_have_count(1)
    rows_of(page, "Access rules").get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog).to_have_count(0)
    assert rules(shown) == [("User:alice", "orders")]


def test_without_rights_the_console_may_nothing(page: Page, new_shown: Callable[..., Shown]) -> None:
    shown = new_shown(AUTHORIZER, "super.users=User:admin")
    page.goto(f"{shown.url}#/acls")
    expect(page.get_by_role("alert")).to_contain_text("CLUSTER_AUTHORIZATION_FAILED")
    page.goto(f"{shown.url}#/topics")
    page.get_by_role("button", name="Create topic").click()
    page.get_by_role("dialog").get_by_label("Name").fill("mine")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("TOPIC_AUTHORIZATION_FAILED")


def test_without_an_authorizer_it_says_so(page: Page, shown: Shown) -> None:
    page.goto(f"{shown.url}#/acls")
    expect(page.get_by_text("everybody may do everything")).to_be_visible()


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_user_that_was_made_here_logs_in(
    page: Page, new_shown: Callable[..., Shown], mechanism: str, snapshot: Callable[[str], None]
) -> None:
    kafka = need_module("kafka")
    listeners = "listeners=PLAINTEXT://127.0.0.1:0,SASL_PLAINTEXT://127.0.0.1:0"
    shown = new_shown(listeners, f"sasl.enabled.mechanisms={mechanism}", listen="")
    with urllib.request.urlopen(f"http://{shown.door}/about") as answer:
        place = json.load(answer)["bootstrap"][1]
    page.goto(f"{shown.url}#/users")
    page.get_by_role("button", name="Add user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("User").fill("alice")
    dialog.get_by_label("Mechanism").select_option(mechanism)
    dialog.get_by_label("Password").fill("påss, wörd")
    dialog.get_by_role("button", name="Save").click()
    expect(rows_of(page, "Users")).to_contain_text(mechanism)
    snapshot("users")
    login: dict[str, Any] = {
        "bootstrap_servers": place, "security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": mechanism,
        "sasl_plain_username": "alice", "sasl_plain_password": "påss, wörd",
    }  # fmt: skip
    consumer = kafka.KafkaConsumer(**login)
    assert consumer.topics() is not None
    consumer.close()
    rows_of(page, "Users").get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("There are no users")).to_be_visible()
    assert shown.kafka("DescribeUserScramCredentials", {"users": None})["results"] == []


def test_quotas_are_set_changed_and_deleted(page: Page, shown: Shown, snapshot: Callable[[str], None]) -> None:
    user = unique("alice")

    def values() -> dict[str, float]:
        entries = shown.kafka("DescribeClientQuotas", {"components": [], "strict": False})["entries"]
        mine = [entry for entry in entries if any(one["entityName"] == user for one in entry["entity"])]
        return {one["key"]: one["value"] for entry in mine for one in entry["values"]}

    page.goto(f"{shown.url}#/quotas")
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="Add quota").click()
    dialog.get_by_label("Whose").select_option("user+client-id")
    dialog.get_by_label("User", exact=True).fill(user)
    dialog.get_by_label("Value").fill("1048576")
    dialog.get_by_role("button", name="Save").click()
    row = rows_of(page, "Quotas").filter(has_text=user)
    expect(row).to_contain_text("1.0 MiB/s")
    expect(row).to_contain_text("client-id all without their own")
    assert values() == {"producer_byte_rate": 1048576}
    snapshot("quotas")
    row.get_by_role("button", name="Change").click()
    dialog.get_by_label("Value").fill("2048")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    assert values() == {"producer_byte_rate": 2048}
    row.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    assert values() == {}


def test_clients_are_asked_for_metrics_and_push_them(
    page: Page, new_shown: Callable[..., Shown], snapshot: Callable[[str], None]
) -> None:
    confluent = need_module("confluent_kafka")
    shown = new_shown()
    page.goto(f"{shown.url}#/metrics")
    expect(page.get_by_text("No client is asked for metrics")).to_be_visible()
    page.get_by_role("button", name="Add subscription").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("everything")
    dialog.get_by_label("Every").fill("100")
    dialog.get_by_role("button", name="Save").click()
    expect(rows_of(page, "Subscriptions")).to_contain_text("everything")
    producer = confluent.Producer({"bootstrap.servers": shown.bootstrap, "client.id": "shop"})
    producer.produce("orders", b"value")
    producer.flush(30)
    pushed = rows_of(page, "Pushed metrics")
    expect(pushed.first).to_contain_text("shop")
    page.get_by_label("Filter metrics").fill("connection.creation.rate")
    expect(pushed).to_have_count(1)
    page.get_by_label("Filter metrics").fill("")
    snapshot("metrics")
    rows_of(page, "Subscriptions").get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No client is asked for metrics")).to_be_visible()
