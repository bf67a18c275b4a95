"""Transactions as an operator sees them (KIP-664): which are open, who writes to a partition, and how to end one."""

from __future__ import annotations

from kbroker.client.cluster import TRANSACTION, Client
from kbroker.client.errors import check
from kbroker.client.offsets import Place, by_leader, grouped
from wire.messages import describe_producers, describe_transactions, list_transactions
from wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse

FENCING_TIMEOUT_MS = 1


def listed(client: Client, states: tuple[str, ...] = ()) -> list[list_transactions.TransactionState]:
    """The transactional ids of all brokers, or those in these states."""
    request = list_transactions.ListTransactionsRequest(state_filters=list(states), producer_id_filters=[])
    found = []
    for broker in client.everywhere():
        answer = broker.call(request, list_transactions.ListTransactionsResponse)
        check(answer.error_code)
        found += answer.transaction_states
    return sorted(found, key=lambda one: one.transactional_id)


def described(client: Client, transactional_id: str) -> describe_transactions.TransactionState:
    request = describe_transactions.DescribeTransactionsRequest(transactional_ids=[transactional_id])
    answer = client.ask_coordinator(
        transactional_id,
        request,
        describe_transactions.DescribeTransactionsResponse,
        lambda got: got.transaction_states[0].error_code,
        TRANSACTION,
    )
    state = answer.transaction_states[0]
    check(state.error_code, f"There is no transactional id {transactional_id}." if state.error_code == 105 else None)
    return state


def producers(client: Client, places: list[Place]) -> dict[Place, list[describe_producers.ProducerState]]:
    """Who has written to these partitions lately, with the start of an open transaction."""
    found = {}
    for node, held in by_leader(client, places).items():
        topics = [
            describe_producers.TopicRequest(name=name, partition_indexes=indexes)
            for name, indexes in grouped(held).items()
        ]
        request = describe_producers.DescribeProducersRequest(topics=topics)
        answer = client.node(node).call(request, describe_producers.DescribeProducersResponse)
        for topic in answer.topics:
            for partition in topic.partitions:
                check(partition.error_code, partition.error_message)
                found[topic.name, partition.partition_index] = list(partition.active_producers)
    return found


def fence(client: Client, transactional_id: str) -> tuple[int, int]:
    """Take over a transactional id as its next producer would: what was open is aborted, whoever held it is fenced.
    Gives the producer id and its new epoch.
    """
    request = InitProducerIdRequest(transactional_id=transactional_id, transaction_timeout_ms=FENCING_TIMEOUT_MS)
    answer = client.ask_coordinator(
        transactional_id, request, InitProducerIdResponse, lambda got: got.error_code, TRANSACTION
    )
    check(answer.error_code)
    return answer.producer_id, answer.producer_epoch
