// Package shipping is the service under test: it ships what is ordered, exactly once.
package shipping

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Ship reads orders and writes shipments, both or neither, until the context ends.
func Ship(ctx context.Context, bootstrap string) error {
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(bootstrap),
		kgo.TransactionalID("shipping"),
		kgo.ConsumerGroup("shipping"),
		kgo.ConsumeTopics("orders"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.HeartbeatInterval(100*time.Millisecond),
		kgo.AllowAutoTopicCreation(),
	)
	if err != nil {
		return err
	}
	defer session.Close()
	for {
		fetches := session.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if fetches.NumRecords() == 0 {
			continue
		}
		if err := session.Begin(); err != nil {
			return err
		}
		fetches.EachRecord(func(order *kgo.Record) {
			shipment := fmt.Sprintf("order %s is on its way", order.Value)
			session.Produce(ctx, &kgo.Record{Topic: "shipments", Value: []byte(shipment)}, nil)
		})
		// Where the group moves on meanwhile, it aborts, and whoever has the partition then reads the orders again.
		if _, err := session.End(ctx, kgo.TryCommit); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
}
