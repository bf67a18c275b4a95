package main

// Sarama: sync producer, consumer group, cluster admin.

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/IBM/sarama"
)

type counter struct {
	seen atomic.Int64
	most int64
	done context.CancelFunc
}

func (c *counter) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (c *counter) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (c *counter) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message := <-claim.Messages():
			session.MarkMessage(message, "")
			if c.seen.Add(1) == c.most {
				session.Commit()
				c.done()
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

func saramas(p program) {
	topic := p.name("topic")
	config := sarama.NewConfig()
	config.ClientID = "sarama-program"
	config.Version = sarama.V4_0_0_0
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1
	config.Consumer.Offsets.Initial = sarama.OffsetOldest

	p.step("create topic", func(context.Context) error {
		admin, err := sarama.NewClusterAdmin([]string{p.bootstrap}, config)
		if err != nil {
			return err
		}
		defer admin.Close()
		return admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1}, false)
	})

	p.step("produce", func(context.Context) error {
		producer, err := sarama.NewSyncProducer([]string{p.bootstrap}, config)
		if err != nil {
			return err
		}
		defer producer.Close()
		for at := range 50 {
			key, value := sarama.StringEncoder(fmt.Sprint("k", at)), sarama.StringEncoder(fmt.Sprint("v", at))
			if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Key: key, Value: value}); err != nil {
				return err
			}
		}
		return nil
	})

	p.step("consume in a group", func(ctx context.Context) error {
		group, err := sarama.NewConsumerGroup([]string{p.bootstrap}, p.name("group"), config)
		if err != nil {
			return err
		}
		defer group.Close()
		running, done := context.WithCancel(ctx)
		handler := &counter{most: 50, done: done}
		for running.Err() == nil {
			if err := group.Consume(running, []string{topic}, handler); err != nil && running.Err() == nil {
				return err
			}
		}
		return expect(handler.seen.Load() == 50, "%d records", handler.seen.Load())
	})

	p.step("admin", func(context.Context) error {
		admin, err := sarama.NewClusterAdmin([]string{p.bootstrap}, config)
		if err != nil {
			return err
		}
		defer admin.Close()
		offsets, err := admin.ListConsumerGroupOffsets(p.name("group"), map[string][]int32{topic: {0, 1}})
		if err != nil {
			return err
		}
		sum := offsets.GetBlock(topic, 0).Offset + offsets.GetBlock(topic, 1).Offset
		if sum != 50 {
			return fmt.Errorf("committed are %d", sum)
		}
		if err := admin.DeleteConsumerGroup(p.name("group")); err != nil {
			return err
		}
		return admin.DeleteTopic(topic)
	})
}
