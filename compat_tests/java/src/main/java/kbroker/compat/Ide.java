package kbroker.compat;

import static kbroker.compat.Broker.require;
import static kbroker.compat.Broker.same;
import static kbroker.compat.Console.get;
import static kbroker.compat.Console.refused;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.FeatureUpdate;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.admin.UpdateFeaturesOptions;
import org.apache.kafka.clients.admin.UserScramCredentialDeletion;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.DelegationTokenDisabledException;
import org.apache.kafka.common.errors.ElectionNotNeededException;
import org.apache.kafka.common.errors.UnsupportedByAuthenticationException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** What plug-ins of IDEs and desktop applications ask for: the newer half of the admin client, and live groups. */
final class Ide {
    static void pages(Console console) throws Exception {
        console.page("tree of the cluster", () -> tree(console));
        console.page("a topic's leaders", () -> leaders(console));
        console.page("a live consumer", () -> live(console));
        console.page("transactions", () -> transactions(console));
        console.page("users", () -> users(console));
        console.page("features and quorum", () -> features(console));
        console.page("resources with configs", () -> resources(console));
        console.page("delegation tokens", () -> tokens(console));
    }

    private static void tree(Console console) throws Exception {
        var names = get(console.admin.listTopics(new ListTopicsOptions().listInternal(false)).names());
        require(names.contains(console.topic) && !names.contains("__consumer_offsets"), "without internal topics");
        var options = new DescribeTopicsOptions().includeAuthorizedOperations(true).partitionSizeLimitPerResponse(2);
        var described = get(console.admin.describeTopics(List.of(console.topic), options).allTopicNames()).get(console.topic);
        same(Console.PARTITIONS, described.partitions().size(), "partitions, over pages of two");
        same(Set.of(AclOperation.ALTER, AclOperation.ALTER_CONFIGS, AclOperation.CREATE, AclOperation.DELETE,
                AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS, AclOperation.READ, AclOperation.WRITE),
                described.authorizedOperations(), "what one may do with it");
        var byId = org.apache.kafka.common.TopicCollection.ofTopicIds(List.of(described.topicId()));
        same(console.topic, get(console.admin.describeTopics(byId).allTopicIds()).get(described.topicId()).name(), "by id");
        List<String> groups = get(console.admin.listGroups().all()).stream().map(GroupListing::groupId).toList();
        require(groups.contains(console.group), "groups of all kinds: " + groups);
    }

    private static void leaders(Console console) throws Exception {
        Set<TopicPartition> places = Set.copyOf(console.places(console.topic));
        Map<TopicPartition, Optional<Throwable>> told =
                get(console.admin.electLeaders(ElectionType.PREFERRED, places).partitions());
        require(told.values().stream().allMatch(one -> one.map(Throwable::getClass).equals(
                Optional.of(ElectionNotNeededException.class)) || one.isEmpty()), "leaders are where they should be: " + told);
        int leader = get(console.admin.describeTopics(List.of(console.topic)).allTopicNames())
                .get(console.topic).partitions().get(0).leader().id();
        var same = Optional.of(new NewPartitionReassignment(List.of(leader)));
        get(console.admin.alterPartitionReassignments(Map.of(new TopicPartition(console.topic, 0), same)).all());
        Broker.until("nothing is under way", () -> {
            try {
                return get(console.admin.listPartitionReassignments(places).reassignments()).isEmpty();
            } catch (Exception failure) {
                throw new AssertionError(failure);
            }
        });
    }

    private static void live(Console console) throws Exception {
        String name = console.group + "-live";
        var settings = new Object[] {
            "group.id", name, "group.protocol", "consumer", "auto.offset.reset", "earliest", "client.id", "live"
        };
        try (KafkaConsumer<byte[], byte[]> consumer = console.consumer(settings)) {
            consumer.subscribe(Set.of(console.topic));
            Set<Object> seen = new HashSet<>();
            Broker.until("all records", () -> {
                consumer.poll(Duration.ofMillis(100)).forEach(record -> seen.add(new String(record.value())));
                return seen.size() == Console.RECORDS;
            });
            consumer.commitSync();
            var group = get(console.admin.describeConsumerGroups(List.of(name)).all()).get(name);
            var member = group.members().iterator().next();
            same(List.of("Stable", "live", 3),
                    List.of(group.groupState().toString(), member.clientId(), member.assignment().topicPartitions().size()),
                    "the group on its page");
            same(List.of(true), get(console.admin.listGroups().all()).stream().filter(one -> one.groupId().equals(name))
                    .map(one -> one.type().orElseThrow().toString().equals("Consumer")).toList(), "its type");
        }
        same(10L, get(console.admin.listConsumerGroupOffsets(name).partitionsToOffsetAndMetadata())
                .get(new TopicPartition(console.topic, 1)).offset(), "its offsets");
        get(console.admin.deleteConsumerGroups(List.of(name)).all());
    }

    private static void transactions(Console console) throws Exception {
        var settings = new java.util.HashMap<>(console.settings);
        settings.put("transactional.id", console.topic);
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(console.topic, 0, null, new byte[1])).get();
            require(get(console.admin.listTransactions().all()).stream().anyMatch(one ->
                    one.transactionalId().equals(console.topic) && one.state() == TransactionState.ONGOING), "listed");
            var described = get(console.admin.describeTransactions(List.of(console.topic)).all()).get(console.topic);
            same(Set.of(new TopicPartition(console.topic, 0)), described.topicPartitions(), "where it writes");
            long open = get(console.admin.describeProducers(described.topicPartitions()).all()).values().iterator().next()
                    .activeProducers().stream().filter(one -> one.currentTransactionStartOffset().isPresent()).count();
            same(1L, open, "producers with an open transaction");
            producer.abortTransaction();
        }
    }

    private static void users(Console console) throws Exception {
        String user = console.group + "-user";
        get(console.admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(
                user, new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), "secret"))).all());
        Broker.until("the user is there", () -> {
            try {
                var found = get(console.admin.describeUserScramCredentials().all()).get(user);
                return found != null && found.credentialInfos().equals(
                        List.of(new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)));
            } catch (Exception failure) {
                throw new AssertionError(failure);
            }
        });
        get(console.admin.alterUserScramCredentials(
                List.of(new UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_512))).all());
    }

    private static void features(Console console) throws Exception {
        var found = get(console.admin.describeFeatures().featureMetadata());
        short level = found.finalizedFeatures().get("transaction.version").maxVersionLevel();
        same(2, (int) level, "transaction.version");
        var update = new FeatureUpdate(level, FeatureUpdate.UpgradeType.UPGRADE);
        get(console.admin.updateFeatures(Map.of("transaction.version", update),
                new UpdateFeaturesOptions().validateOnly(true)).all());
        var quorum = get(console.admin.describeMetadataQuorum().quorumInfo());
        require(quorum.voters().stream().anyMatch(one -> one.replicaId() == quorum.leaderId()), "a leader that votes");
    }

    private static void resources(Console console) throws Exception {
        Set<ConfigResource.Type> kinds = new HashSet<>();
        get(console.admin.listConfigResources().all()).forEach(one -> kinds.add(one.type()));
        require(kinds.containsAll(Set.of(ConfigResource.Type.TOPIC, ConfigResource.Type.BROKER)), "kinds: " + kinds);
        var logger = new ConfigResource(ConfigResource.Type.BROKER_LOGGER,
                String.valueOf(get(console.admin.describeCluster().nodes()).iterator().next().id()));
        var group = new ConfigResource(ConfigResource.Type.GROUP, console.group);
        var told = get(console.admin.describeConfigs(new ArrayList<>(List.of(logger, group))).all());
        require(!told.get(logger).entries().isEmpty(), "loggers");
        require(told.get(group).get("consumer.session.timeout.ms").value() != null, "configs of a group");
    }

    private static void tokens(Console console) throws Exception {
        Class<?> error = refused(() -> get(console.admin.describeDelegationToken().delegationTokens()));
        require(Set.of(UnsupportedByAuthenticationException.class, DelegationTokenDisabledException.class).contains(error),
                "no tokens here: " + error);
    }

    private Ide() {}
}
