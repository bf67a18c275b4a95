// Programs of Go clients: each step has a name, is printed when it is done, and must not take for ever.
//
//	programs franz|sarama|kafkago|console BOOTSTRAP PREFIX
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

const longest = 30 * time.Second

type program struct{ bootstrap, prefix string }

func (p program) name(stem string) string { return p.prefix + "-" + stem }

func (p program) step(name string, work func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	if err := work(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	line, _ := json.Marshal(map[string]string{"step": name})
	fmt.Println(string(line))
}

func expect(condition bool, format string, arguments ...any) error {
	if condition {
		return nil
	}
	return fmt.Errorf(format, arguments...)
}

func main() {
	programs := map[string]func(program){"franz": franz, "sarama": saramas, "kafkago": kafkaGo, "console": console}
	if len(os.Args) != 4 || programs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "franz|sarama|kafkago|console BOOTSTRAP PREFIX")
		os.Exit(2)
	}
	programs[os.Args[1]](program{os.Args[2], os.Args[3]})
}
