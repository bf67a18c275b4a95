package kbroker.compat;

import static kbroker.compat.Broker.require;
import static kbroker.compat.Broker.same;
import static kbroker.compat.Console.get;
import static kbroker.compat.Console.refused;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.GroupAuthorizationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** A console whose user may only look: pages are there, parts of them are closed, and no button does anything. */
final class Viewer {
    static void pages(Console owner, Map<String, Object> settings) throws Exception {
        for (ResourceType kind : List.of(ResourceType.TOPIC, ResourceType.GROUP)) {
            for (AclOperation operation : kind == ResourceType.TOPIC
                    ? List.of(AclOperation.READ, AclOperation.DESCRIBE_CONFIGS) : List.of(AclOperation.DESCRIBE)) {
                get(owner.admin.createAcls(List.of(new AclBinding(new ResourcePattern(kind, "*", PatternType.LITERAL),
                        new AccessControlEntry("User:viewer", "*", operation, AclPermissionType.ALLOW)))).all());
            }
        }
        owner.settings.putAll(settings);
        try (Admin admin = Admin.create(owner.settings)) {
            owner.page("what there is", () -> there(owner, admin));
            owner.page("messages", () -> messages(owner));
            owner.page("what is closed", () -> closed(admin));
            owner.page("nothing changes", () -> changes(owner, admin));
        }
    }

    private static void there(Console owner, Admin admin) throws Exception {
        require(get(admin.listTopics().names()).contains(owner.topic), "topics");
        var options = new DescribeTopicsOptions().includeAuthorizedOperations(true);
        same(Set.of(AclOperation.READ, AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS),
                get(admin.describeTopics(List.of(owner.topic), options).allTopicNames()).get(owner.topic)
                        .authorizedOperations(), "what one may do with a topic");
        require(get(admin.listGroups().all()).stream().map(GroupListing::groupId).toList().contains(owner.group), "groups");
        same(5L, get(admin.listConsumerGroupOffsets(owner.group).partitionsToOffsetAndMetadata())
                .get(new TopicPartition(owner.topic, 0)).offset(), "offsets");
        var topic = new ConfigResource(ConfigResource.Type.TOPIC, owner.topic);
        same("delete", get(admin.describeConfigs(List.of(topic)).all()).get(topic).get("cleanup.policy").value(), "configs");
    }

    private static void messages(Console owner) {
        List<TopicPartition> places = new ArrayList<>(owner.places(owner.topic));
        try (KafkaConsumer<byte[], byte[]> consumer = owner.consumer()) {
            consumer.assign(places);
            consumer.seekToBeginning(places);
            same(Console.RECORDS, owner.poll(consumer, Console.RECORDS).size(), "all of them, without a group");
        }
    }

    private static void closed(Admin admin) throws Exception {
        var cluster = admin.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true));
        same(Set.of(), get(cluster.authorizedOperations()), "what one may do with the cluster");
        int node = get(cluster.nodes()).iterator().next().id();
        var broker = new ConfigResource(ConfigResource.Type.BROKER, String.valueOf(node));
        var error = ClusterAuthorizationException.class;
        same(error, refused(() -> get(admin.describeConfigs(List.of(broker)).all())), "configs of a broker");
        same(error, refused(() -> get(admin.describeLogDirs(List.of(node)).allDescriptions())), "log dirs");
        same(error, refused(() -> get(admin.describeAcls(AclBindingFilter.ANY).values())), "acls");
        same(error, refused(() -> get(admin.describeClientQuotas(ClientQuotaFilter.all()).entities())), "quotas");
        same(error, refused(() -> get(admin.describeMetadataQuorum().quorumInfo())), "the quorum");
        same(Set.of(), Set.copyOf(get(admin.listTransactions().all())), "transactions");
    }

    private static void changes(Console owner, Admin admin) throws Exception {
        var error = TopicAuthorizationException.class;
        var place = new TopicPartition(owner.topic, 0);
        same(error, refused(() -> get(admin.createTopics(List.of(new NewTopic("new", 1, (short) 1))).all())), "create");
        same(error, refused(() -> get(admin.deleteTopics(List.of(owner.topic)).all())), "delete");
        same(error, refused(() -> get(admin.createPartitions(Map.of(owner.topic, NewPartitions.increaseTo(9))).all())),
                "more partitions");
        same(error, refused(() -> get(admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(1))).all())), "purge");
        var config = new AlterConfigOp(new ConfigEntry("retention.ms", "1"), AlterConfigOp.OpType.SET);
        var topic = new ConfigResource(ConfigResource.Type.TOPIC, owner.topic);
        same(error, refused(() -> get(admin.incrementalAlterConfigs(Map.of(topic, List.of(config))).all())), "configs");
        same(GroupAuthorizationException.class, refused(() -> get(admin.alterConsumerGroupOffsets(
                owner.group, Map.of(place, new OffsetAndMetadata(0))).all())), "offsets");
        same(GroupAuthorizationException.class,
                refused(() -> get(admin.deleteConsumerGroups(List.of(owner.group)).all())), "delete a group");
        same(5L, get(admin.listConsumerGroupOffsets(owner.group).partitionsToOffsetAndMetadata()).get(place).offset(),
                "the offset is what it was");
    }

    private Viewer() {}
}
