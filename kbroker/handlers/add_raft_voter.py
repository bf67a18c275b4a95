"""AddRaftVoter: take another controller into the quorum (KIP-853). There is nothing to copy the catalog to, so no new
voter ever becomes ready: the answer is the one that Kafka gives when it cannot reach the voter in time.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from kbroker.handlers._voters import check, described
from wire.errors import ErrorCode, KafkaError
from wire.messages.add_raft_voter import AddRaftVoterRequest, AddRaftVoterResponse


def add_raft_voter(request: AddRaftVoterRequest, ctx: Context) -> AddRaftVoterResponse:
    authorize_on_cluster(ctx, "ALTER")
    voters = check(ctx, request.cluster_id, request.voter_id, request.voter_directory_id, "Add")
    voter = described(request.voter_id, request.voter_directory_id)
    expected = ctx.cluster.config["controller.listener.names"][0]
    if expected not in [listener.name for listener in request.listeners]:
        found = ", ".join(f"ListenerName({one.name})={one.host}/<unresolved>:{one.port}" for one in request.listeners)
        raise KafkaError(
            ErrorCode.INVALID_REQUEST,
            f"Add voter request didn't include the endpoint (Endpoints(endpoints={{{found}}})) for the default "
            f"listener ListenerName({expected})",
        )
    if request.voter_id == ctx.cluster.catalog.controller_id:
        raise KafkaError(
            ErrorCode.DUPLICATE_VOTER, f"The voter id for {voter} is already part of the set of voters {voters}."
        )
    raise KafkaError(ErrorCode.REQUEST_TIMED_OUT, f"New voter {voter} is not ready to receive requests")
