"""What Apache Kafka keeps beside a segment: aborted transactions (.txnindex) and producers (.snapshot).

kbroker keeps neither file; the definitions are for reading a Kafka data directory.
"""

from ..schema import Data, Struct, array, int16, int32, int64, uint32


class AbortedTxn(Data, versions="0"):
    producer_id: int = int64()
    first_offset: int = int64()
    last_offset: int = int64()
    last_stable_offset: int = int64()


class ProducerEntry(Struct):
    producer_id: int = int64(versions="1")
    epoch: int = int16(versions="1")
    last_sequence: int = int32(versions="1")
    last_offset: int = int64(versions="1")
    offset_delta: int = int32(versions="1")
    timestamp: int = int64(versions="1")
    coordinator_epoch: int = int32(versions="1")
    current_txn_first_offset: int = int64(versions="1")


class ProducerSnapshot(Data, versions="1"):
    crc: int = uint32(versions="1")
    producer_entries: list[ProducerEntry] = array(ProducerEntry, versions="1")
