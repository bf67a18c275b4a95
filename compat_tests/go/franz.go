package main

// franz-go: producer, group consumer in both protocols, a transaction that copies, admin client.

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func franz(p program) {
	topic, output := p.name("topic"), p.name("output")
	client := func(options ...kgo.Opt) (*kgo.Client, error) {
		return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(p.bootstrap), kgo.ClientID("franz-program")}, options...)...)
	}

	p.step("create topics", func(ctx context.Context) error {
		cl, err := client()
		if err != nil {
			return err
		}
		defer cl.Close()
		made, err := kadm.NewClient(cl).CreateTopics(ctx, 2, 1, nil, topic, output)
		if err != nil {
			return err
		}
		return made.Error()
	})

	p.step("produce", func(ctx context.Context) error {
		for _, codec := range []kgo.CompressionCodec{
			kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
		} {
			cl, err := client(kgo.ProducerBatchCompression(codec), kgo.DefaultProduceTopic(topic))
			if err != nil {
				return err
			}
			for at := range 20 {
				record := kgo.KeyStringRecord(fmt.Sprintf("k%d", at), fmt.Sprintf("v%d", at))
				record.Headers = []kgo.RecordHeader{{Key: "at", Value: []byte(fmt.Sprint(at))}}
				cl.Produce(ctx, record, nil)
			}
			err = cl.Flush(ctx)
			cl.Close()
			if err != nil {
				return err
			}
		}
		return nil
	})

	p.step("consume in a group", func(ctx context.Context) error {
		cl, err := client(kgo.ConsumerGroup(p.name("group")), kgo.ConsumeTopics(topic),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		if err != nil {
			return err
		}
		defer cl.Close()
		seen := 0
		for seen < 100 {
			fetches := cl.PollFetches(ctx)
			if err := fetches.Err0(); err != nil {
				return err
			}
			seen += fetches.NumRecords()
		}
		if err := cl.CommitUncommittedOffsets(ctx); err != nil {
			return err
		}
		lags, err := kadm.NewClient(cl).Lag(ctx, p.name("group"))
		if err != nil {
			return err
		}
		group := lags[p.name("group")]
		return expect(group.Lag.Total() == 0 && group.State == "Stable", "lag %d in %s", group.Lag.Total(), group.State)
	})

	p.step("copy in transactions", func(ctx context.Context) error {
		session, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(p.bootstrap), kgo.TransactionalID(p.name("txn")),
			kgo.ConsumerGroup(p.name("copier")), kgo.ConsumeTopics(topic), kgo.RequireStableFetchOffsets(),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		if err != nil {
			return err
		}
		defer session.Close()
		for copied := 0; copied < 100; {
			fetches := session.PollFetches(ctx)
			if err := fetches.Err0(); err != nil {
				return err
			}
			if err := session.Begin(); err != nil {
				return err
			}
			fetches.EachRecord(func(record *kgo.Record) {
				session.Produce(ctx, &kgo.Record{Topic: output, Key: record.Key, Value: record.Value}, nil)
			})
			committed, err := session.End(ctx, kgo.TryCommit)
			if err != nil {
				return err
			}
			if committed {
				copied += fetches.NumRecords()
			}
		}
		return nil
	})

	p.step("read only what is committed", func(ctx context.Context) error {
		cl, err := client(kgo.ConsumeTopics(output), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		if err != nil {
			return err
		}
		defer cl.Close()
		seen := 0
		for seen < 100 {
			fetches := cl.PollFetches(ctx)
			if err := fetches.Err0(); err != nil {
				return err
			}
			seen += fetches.NumRecords()
		}
		return expect(seen == 100, "%d records", seen)
	})
}
