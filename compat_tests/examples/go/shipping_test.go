package shipping

import (
	"context"
	"reflect"
	"testing"
)

// running starts the service, and stops it with the test.
func running(t *testing.T) *broker {
	t.Parallel() // each test has a broker of its own
	b := newBroker(t)
	b.ask("topics/create", map[string]any{"name": "orders"}, nil)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Ship(ctx, b.Bootstrap) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *broker) order(values ...string) {
	b.t.Helper()
	for _, value := range values {
		b.ask("records/produce", map[string]any{"topic": "orders", "records": []any{map[string]any{"value": value}}}, nil)
	}
}

// ships waits until as many shipments are committed as are wanted, and compares them.
func (b *broker) ships(wanted ...string) {
	b.t.Helper()
	var found []struct{ Value string }
	b.ask("records/wait", map[string]any{"topic": "shipments", "count": len(wanted), "timeout": 30}, &found)
	values := []string{}
	for _, record := range found {
		values = append(values, record.Value)
	}
	if !reflect.DeepEqual(values, wanted) {
		b.t.Errorf("shipped %q, not %q", values, wanted)
	}
}

func TestAnOrderIsShipped(t *testing.T) {
	b := running(t)
	b.order("1")
	b.ships("order 1 is on its way")
}

// The coordinator commits and the answer gets lost: the service must not ship the order again.
func TestALostAnswerToTheCommitShipsNothingTwice(t *testing.T) {
	b := running(t)
	b.ask("faults/install", map[string]any{
		"match": map[string]any{"api": []string{"EndTxn"}}, "when": map[string]any{"times": 1}, "effect": map[string]any{"drop": "after"},
	}, nil)
	b.order("1")
	b.ships("order 1 is on its way")
	b.order("2")
	b.ships("order 1 is on its way", "order 2 is on its way")
}

// The group goes on without the service while it has a transaction open: what it wrote must come to nothing.
func TestWhoIsPutOutOfTheGroupShipsAgainButNotTwice(t *testing.T) {
	b := running(t)
	b.ask("groups/wait_assigned", map[string]any{"group": "shipping", "timeout": 30}, nil)
	var fault struct{ ID int }
	b.ask("faults/install", map[string]any{
		"match": map[string]any{"api": []string{"Produce"}}, "when": map[string]any{"times": 1}, "effect": map[string]any{"hold": true},
	}, &fault)
	b.order("1")
	b.ask("faults/wait", map[string]any{"id": fault.ID, "timeout": 30}, nil)
	b.ask("groups/evict", map[string]any{"group": "shipping", "member": "kgo"}, nil)
	b.ask("faults/release_all", map[string]any{"id": fault.ID}, nil)
	b.ships("order 1 is on its way")
}
