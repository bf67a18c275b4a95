"""RemoveRaftVoter: take a controller out of the quorum (KIP-853). The only voter cannot go, and there is no other."""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from kbroker.handlers._voters import check, described
from wire.errors import ErrorCode, KafkaError
from wire.messages.remove_raft_voter import RemoveRaftVoterRequest, RemoveRaftVoterResponse


def remove_raft_voter(request: RemoveRaftVoterRequest, ctx: Context) -> RemoveRaftVoterResponse:
    authorize_on_cluster(ctx, "ALTER")
    voters = check(ctx, request.cluster_id, request.voter_id, request.voter_directory_id, "Remove")
    voter = described(request.voter_id, request.voter_directory_id)
    raise KafkaError(ErrorCode.VOTER_NOT_FOUND, f"Cannot remove voter {voter} from the set of voters {voters}")
