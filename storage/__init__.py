"""storage: logs of opaque record batches, behind one interface and several engines.

Read `engine.py` (the contract), then `memory.py` (the contract as a hundred lines of code), then `disk/`. This
package knows the 61-byte header of a record batch and nothing else of Kafka: no topic, no group, no producer rule.
"""
