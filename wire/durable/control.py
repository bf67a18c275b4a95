"""What control records say: those that no consumer sees.

The key of a control record is a version (0) and a type: 0 ABORT, 1 COMMIT, 2 LEADER_CHANGE, 3 SNAPSHOT_HEADER, 4
SNAPSHOT_FOOTER, 5 KRAFT_VERSION, 6 KRAFT_VOTERS. The value has a version in front, too. ABORT and COMMIT end a
transaction in a partition (KIP-98); the rest stands in the metadata log of the controllers (KIP-595, KIP-630,
KIP-853).
"""

from ..schema import Data, Struct, array, int16, int32, int64, string, struct, uint16, uuid


class ControlRecordTypeSchema(Data, versions="0"):
    type: int = int16()


class EndTxnMarker(Data, versions="0"):
    coordinator_epoch: int = int32()


class LeaderChangeVoter(Struct):
    voter_id: int = int32()
    voter_directory_id: bytes = uuid(versions="1+")


class LeaderChangeMessage(Data, versions="0-1", flexible="0+"):
    version: int = int16()
    leader_id: int = int32(entity="brokerId")
    voters: list[LeaderChangeVoter] = array(LeaderChangeVoter)
    granting_voters: list[LeaderChangeVoter] = array(LeaderChangeVoter)


class SnapshotHeaderRecord(Data, versions="0", flexible="0+"):
    version: int = int16()
    last_contained_log_timestamp: int = int64()


class SnapshotFooterRecord(Data, versions="0", flexible="0+"):
    version: int = int16()


class KRaftVersionRecord(Data, versions="0", flexible="0+"):
    version: int = int16()
    k_raft_version: int = int16()


class Endpoint(Struct):
    name: str = string(map_key=True)
    host: str = string()
    port: int = uint16()


class KRaftVersionFeature(Struct):
    min_supported_version: int = int16()
    max_supported_version: int = int16()


class VotersRecordVoter(Struct):
    voter_id: int = int32(entity="brokerId")
    voter_directory_id: bytes = uuid()
    endpoints: list[Endpoint] = array(Endpoint)
    k_raft_version_feature: KRaftVersionFeature = struct(KRaftVersionFeature)


class VotersRecord(Data, versions="0", flexible="0+"):
    version: int = int16()
    voters: list[VotersRecordVoter] = array(VotersRecordVoter)
