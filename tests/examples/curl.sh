#!/bin/sh
# The same with curl only: kbroker run -- sh tests/examples/curl.sh
# Any language that can POST does what this script does. docs/control.md has the verbs.
set -eu

ask() { curl -sS --fail-with-body -H 'Content-Type: application/json' -d "$2" "$BROKER/control/$1"; }
see() { grep -q -- "$1" || { echo "not seen: $1" >&2; exit 1; }; }

# A broker for this test alone, in milliseconds; the process that `kbroker run` has started holds many.
made=$(curl -sS -X POST -H 'Content-Type: application/json' "$KBROKER_CONTROL/brokers")
BROKER=http://$(echo "$made" | sed 's/.*"http":"\([^"]*\)".*/\1/')
BOOTSTRAP=$(echo "$made" | sed 's/.*"bootstrap":"\([^"]*\)".*/\1/')

# Seed a topic, produce, fetch.
ask topics/create '{"name": "orders", "partitions": 2, "configs": {"retention.ms": "60000"}}' | see '"name":"orders"'
ask records/produce '{"topic": "orders", "records": [{"key": "k", "value": "first"}, {"value": "second"}]}' >/dev/null
ask records/wait '{"topic": "orders", "count": 2}' | see '"value":"first"'

# Break something: the next client that asks for ApiVersions is cut off. This one is made of its 14 bytes (curl speaks
# telnet, too); any Kafka client will do.
ask faults/install '{"name": "cut off", "match": {"api": ["ApiVersions"]}, "when": {"times": 1}, "effect": {"drop": "before"}}' |
    see '"name":"cut off"'
printf '\0\0\0\012\0\022\0\0\0\0\0\007\377\377' | curl -sS "telnet://$BOOTSTRAP" >/dev/null 2>&1 || true
ask faults/wait '{"id": 1, "timeout": 30}' | see '"used_up":true'

# What the broker saw: every request, decoded, with what came of it.
ask requests/list '{"api": "ApiVersions"}' | see '"cut off'

# A minute in a moment: what was produced is too old now.
ask clock/freeze '{}' >/dev/null
ask clock/advance '{"by": "2m"}' >/dev/null
ask clock/apply_retention '{"topic": "orders"}' >/dev/null
[ "$(ask records/read '{"topic": "orders"}')" = '[]' ]

# And everything anew.
ask data/reset '{}' >/dev/null
[ "$(ask topics/list '{}')" = '[]' ]
echo 'all seen'
