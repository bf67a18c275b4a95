"""ListTransactions (key 66): the transactional ids that this broker coordinates (KIP-664).

A client asks every broker. Names of states that the broker does not know come back in unknown_state_filters.

v1 duration_filter: only transactions that run for so many ms (KIP-994)
v2 transactional_id_pattern, a regular expression (KIP-1152)

Errors: COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, INVALID_REGULAR_EXPRESSION.
"""

from ..schema import Request, Response, Struct, array, int16, int32, int64, string


class ListTransactionsRequest(Request, key=66, versions="0-2", flexible="0+"):
    state_filters: list[str] = array(string)
    producer_id_filters: list[int] = array(int64, entity="producerId")
    duration_filter: int = int64(versions="1+", default=-1)
    transactional_id_pattern: str | None = string(versions="2+", nullable="2+", default=None)


class TransactionState(Struct):
    transactional_id: str = string(entity="transactionalId")
    producer_id: int = int64(entity="producerId")
    transaction_state: str = string()


class ListTransactionsResponse(Response, key=66, versions="0-2", flexible="0+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16()
    unknown_state_filters: list[str] = array(string)
    transaction_states: list[TransactionState] = array(TransactionState)
