package main

// What web consoles that are written in Go ask for: at the start, and on the page of each topic, group and broker.

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func console(p program) {
	topic, group := p.name("topic"), p.name("group")
	cl, err := kgo.NewClient(kgo.SeedBrokers(p.bootstrap), kgo.ClientID("console"), kgo.DefaultProduceTopic(topic))
	if err != nil {
		panic(err)
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)

	p.step("overview", func(ctx context.Context) error {
		if _, err := admin.CreateTopics(ctx, 3, 1, nil, topic); err != nil {
			return err
		}
		if err := cl.ProduceSync(ctx, kgo.StringRecord("v")).FirstErr(); err != nil {
			return err
		}
		metadata, err := admin.Metadata(ctx)
		if err != nil {
			return err
		}
		if _, err := admin.ApiVersions(ctx); err != nil {
			return err
		}
		brokers, err := admin.ListBrokers(ctx)
		if err != nil {
			return err
		}
		if _, err := admin.DescribeBrokerConfigs(ctx, brokers.NodeIDs()...); err != nil {
			return err
		}
		return expect(len(metadata.Brokers) == len(brokers) && metadata.Controller >= 0, "brokers %v", brokers)
	})

	p.step("topics", func(ctx context.Context) error {
		topics, err := admin.ListTopics(ctx)
		if err != nil {
			return err
		}
		if _, err := admin.DescribeTopicConfigs(ctx, topic); err != nil {
			return err
		}
		dirs, err := admin.DescribeAllLogDirs(ctx, nil)
		if err != nil {
			return err
		}
		var size int64
		dirs.Each(func(dir kadm.DescribedLogDir) {
			dir.Topics.Each(func(one kadm.DescribedLogDirPartition) {
				if one.Topic == topic {
					size += one.Size
				}
			})
		})
		start, err := admin.ListStartOffsets(ctx, topic)
		if err != nil {
			return err
		}
		end, err := admin.ListEndOffsets(ctx, topic)
		if err != nil {
			return err
		}
		if _, err := admin.ListOffsetsAfterMilli(ctx, 0, topic); err != nil {
			return err
		}
		known := topics.Has(topic) && size > 0 && start.Error() == nil && end.Error() == nil
		return expect(known, "size %d", size)
	})

	p.step("groups", func(ctx context.Context) error {
		var offsets kadm.Offsets
		offsets.Add(kadm.Offset{Topic: topic, Partition: 0, At: 1, LeaderEpoch: -1})
		if err := admin.CommitAllOffsets(ctx, group, offsets); err != nil {
			return err
		}
		groups, err := admin.ListGroups(ctx)
		if err != nil {
			return err
		}
		var classic []string // groups of other kinds have requests of their own
		for _, one := range groups.Sorted() {
			if one.ProtocolType == "consumer" || one.ProtocolType == "" {
				classic = append(classic, one.Group)
			}
		}
		if !slices.Contains(classic, group) {
			return fmt.Errorf("%s is not among %v", group, classic)
		}
		described, err := admin.DescribeGroups(ctx, group)
		if err != nil {
			return err
		}
		if err := errors.Join(described.Error(), admin.FetchManyOffsets(ctx, group).Error()); err != nil {
			return err
		}
		lag, err := admin.Lag(ctx, group)
		if err != nil {
			return err
		}
		return expect(lag[group].State == "Empty", "state %s", lag[group].State)
	})

	p.step("security", func(ctx context.Context) error {
		if _, err := admin.DescribeUserSCRAMs(ctx); err != nil {
			return err
		}
		if _, err := admin.DescribeClientQuotas(ctx, false, nil); err != nil {
			return err
		}
		_, err := admin.DescribeACLs(ctx, kadm.NewACLs().AnyResource().Allow().Deny().AllowHosts().DenyHosts().
			Operations().ResourcePatternType(kadm.ACLPatternAny))
		if errors.Is(err, kerr.SecurityDisabled) {
			err = nil // without an authorizer
		}
		return err
	})

	p.step("transactions", func(ctx context.Context) error {
		if _, err := admin.ListTransactions(ctx, nil, nil); err != nil {
			return err
		}
		producers, err := admin.DescribeProducers(ctx, kadm.TopicsSet{topic: {0: {}, 1: {}, 2: {}}})
		if err != nil {
			return err
		}
		return expect(len(producers[topic].Partitions) == 3, "%v", producers)
	})

	p.step("change", func(ctx context.Context) error {
		if _, err := admin.ListPartitionReassignments(ctx, kadm.TopicsSet{topic: {0: {}}}); err != nil {
			return err
		}
		policy := "compact"
		altered, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Name: "cleanup.policy", Value: &policy}}, topic)
		if err != nil || altered[0].Err != nil {
			return errors.Join(err, altered[0].Err)
		}
		if _, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.DeleteConfig, Name: "cleanup.policy"}}, topic); err != nil {
			return err
		}
		ends, err := admin.ListEndOffsets(ctx, topic)
		if err != nil {
			return err
		}
		deleted, err := admin.DeleteRecords(ctx, ends.Offsets())
		if err := errors.Join(err, deleted.Error()); err != nil {
			return err
		}
		var read kadm.TopicsSet
		read.Add(topic, 0)
		if _, err := admin.DeleteOffsets(ctx, group, read); err != nil {
			return err
		}
		left, err := admin.FetchOffsets(ctx, group)
		if err != nil {
			return err
		}
		user := kadm.UpsertSCRAM{User: group, Mechanism: kadm.ScramSha256, Iterations: 4096, Password: "secret"}
		made, err := admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{user})
		if err := errors.Join(err, made.Error()); err != nil {
			return err
		}
		gone, err := admin.AlterUserSCRAMs(ctx, []kadm.DeleteSCRAM{{User: group, Mechanism: kadm.ScramSha256}}, nil)
		if err := errors.Join(err, gone.Error()); err != nil {
			return err
		}
		return expect(len(left) == 0, "offsets %v", left)
	})

	p.step("clean up", func(ctx context.Context) error {
		if _, err := admin.DeleteGroups(ctx, group); err != nil {
			return err
		}
		_, err := admin.DeleteTopics(ctx, topic)
		return err
	})
}
