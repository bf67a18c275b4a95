package main

// kafka-go (segmentio): writer and a reader in a group.

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

func kafkaGo(p program) {
	topic := p.name("topic")

	p.step("create topic", func(ctx context.Context) error {
		connection, err := kafka.DialContext(ctx, "tcp", p.bootstrap)
		if err != nil {
			return err
		}
		defer connection.Close()
		return connection.CreateTopics(kafka.TopicConfig{Topic: topic, NumPartitions: 1, ReplicationFactor: 1})
	})

	p.step("produce", func(ctx context.Context) error {
		writer := &kafka.Writer{
			Addr: kafka.TCP(p.bootstrap), Topic: topic, RequiredAcks: kafka.RequireAll, Compression: kafka.Lz4,
			BatchTimeout: 10 * time.Millisecond,
		}
		defer writer.Close()
		var messages []kafka.Message
		for at := range 50 {
			messages = append(messages, kafka.Message{Key: []byte(fmt.Sprint("k", at)), Value: []byte(fmt.Sprint("v", at))})
		}
		return writer.WriteMessages(ctx, messages...)
	})

	p.step("consume in a group", func(ctx context.Context) error {
		reader := kafka.NewReader(kafka.ReaderConfig{
			Brokers: []string{p.bootstrap}, GroupID: p.name("group"), Topic: topic, StartOffset: kafka.FirstOffset,
			MaxWait: 500 * time.Millisecond,
		})
		defer reader.Close()
		for at := range 50 {
			message, err := reader.FetchMessage(ctx)
			if err != nil {
				return err
			}
			if string(message.Value) != fmt.Sprint("v", at) {
				return fmt.Errorf("record %d is %s", at, message.Value)
			}
			if err := reader.CommitMessages(ctx, message); err != nil {
				return err
			}
		}
		return nil
	})
}
