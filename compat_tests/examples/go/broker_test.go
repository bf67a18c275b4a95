package shipping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"
)

// broker is one for a single test, out of the process that `kbroker run` has started: POST /brokers makes it in
// milliseconds, with topics, groups, faults and a clock of its own. Any verb of docs/control.md is one POST.
type broker struct {
	t         *testing.T
	Bootstrap string
	HTTP      string
}

func newBroker(t *testing.T) *broker {
	t.Helper()
	address := os.Getenv("KBROKER_CONTROL")
	if address == "" {
		t.Skip("run me with: kbroker run -- go test")
	}
	var made struct {
		Number int
		Broker broker
	}
	b := &broker{t: t}
	b.post(address+"/brokers", nil, &made)
	b.Bootstrap, b.HTTP = made.Broker.Bootstrap, made.Broker.HTTP
	t.Cleanup(func() { b.ask("brokers/drop", map[string]any{"broker": made.Number}, nil) })
	return b
}

// ask does what a verb says and reads its answer into the given place, if there is one.
func (b *broker) ask(verb string, arguments map[string]any, answer any) {
	b.t.Helper()
	b.post(fmt.Sprintf("http://%s/control/%s", b.HTTP, verb), arguments, answer)
}

func (b *broker) post(url string, arguments map[string]any, answer any) {
	b.t.Helper()
	if arguments == nil {
		arguments = map[string]any{}
	}
	body, _ := json.Marshal(arguments)
	response, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		var refusal struct{ Error struct{ Message string } }
		_ = json.NewDecoder(response.Body).Decode(&refusal)
		b.t.Fatalf("%s: %s", url, refusal.Error.Message)
	}
	if answer != nil {
		if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
			b.t.Fatal(err)
		}
	}
}
