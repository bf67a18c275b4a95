"""The vote of a controller in Apache Kafka, as it lies in its quorum-state file (KIP-595, v1 KIP-853)."""

from ..schema import Data, Struct, array, int32, int64, string, uuid


class Voter(Struct):
    voter_id: int = int32(versions="0")


class QuorumStateData(Data, versions="0-1", flexible="0+"):
    cluster_id: str = string(versions="0")
    leader_id: int = int32(default=-1)
    leader_epoch: int = int32(default=-1)
    voted_id: int = int32(default=-1)
    voted_directory_id: bytes = uuid(versions="1+")
    applied_offset: int = int64(versions="0")
    current_voters: list[Voter] | None = array(Voter, versions="0", nullable="0")
