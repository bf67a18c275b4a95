package kbroker.compat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs checks by their names against one broker, in one JVM: {@code Checks BOOTSTRAP [NAME ...]}; without names, all.
 *
 * <p>For each it prints one line, {@code ok NAME MILLISECONDS} or {@code failed NAME REASON}; what else is said goes to
 * standard error. A check makes topics and groups of its own, so that they do not mind each other.
 */
public final class Checks {
    /** One promise, held against the broker; throws if it is broken. */
    interface Check {
        void run(Broker broker) throws Exception;
    }

    static final Map<String, Check> ALL = new LinkedHashMap<>();

    static {
        ALL.put("an_idempotent_producer_writes_in_order", Records::anIdempotentProducerWritesInOrder);
        ALL.put("classic_consumers_share_a_topic", broker -> Records.consumersShareATopic(broker, "classic"));
        ALL.put("consumer_protocol_members_share_a_topic", broker -> Records.consumersShareATopic(broker, "consumer"));
        ALL.put("a_share_consumer_accepts_releases_and_rejects", Sharing::acceptsReleasesAndRejects);
        ALL.put("two_share_consumers_deliver_each_record_once", Sharing::twoDeliverEachRecordOnce);
        ALL.put("the_later_of_two_transactional_producers_wins", Transactions::theLaterOfTwoProducersWins);
        ALL.put("an_aborted_transaction_is_never_seen", Transactions::anAbortedTransactionIsNeverSeen);
        ALL.put("offsets_and_records_commit_as_one", Transactions::offsetsAndRecordsCommitAsOne);
        ALL.put("streams_count_exactly_once_over_a_kill", broker -> Streams.overAKill(broker, "classic"));
        ALL.put("streams_protocol_counts_exactly_once_over_a_kill", broker -> Streams.overAKill(broker, "streams"));
    }

    public static void main(String[] words) {
        Broker broker = new Broker(words[0]);
        List<String> names = words.length > 1 ? List.of(words).subList(1, words.length) : List.copyOf(ALL.keySet());
        boolean allWell = true;
        for (String name : names) {
            long began = System.nanoTime();
            try {
                ALL.get(name).run(broker);
                System.out.printf("ok %s %d%n", name, (System.nanoTime() - began) / 1_000_000);
            } catch (Throwable failure) {
                allWell = false;
                failure.printStackTrace();
                System.out.printf("failed %s %s%n", name, String.valueOf(failure).lines().findFirst().orElse(""));
            }
        }
        System.exit(allWell ? 0 : 1);
    }

    private Checks() {}
}
