# The two commands a newcomer needs are `make run` and `make test`; both make the virtual environment first.

PYTHON ?= python3
PORT   ?= 9092
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: run test compiled test-compiled lint lives power kills synced compaction soak compat browser oracle java-long xdist bench clean docs

run: $(VENV)/run.stamp
	@KBROKER_PORT_HINT="make run PORT=..." $(BIN)/kbroker serve --listen 127.0.0.1:$(PORT) --data ./data

# Python only, under 5 minutes: style, types, every test below tests/, a process for each core.
test: $(VENV)/test.stamp lint
	$(BIN)/python -m pytest -n auto --dist loadfile tests

# Every test runs on compiled modules, but those that put something in the place of a compiled method (a planted bug, a
# disk that is full), which a compiled class refuses, and those of the source itself.
NOT_COMPILED := tests/test_house.py tests/test_wheel.py tests/test_compiled.py \
	tests/kbroker/cleaner/test_lives.py::test_nothing_that_counts_is_lost_wherever_the_cleaner_is_interrupted \
	tests/kbroker/groups/test_coordinator.py::test_a_failed_append_is_answered_with_a_retriable_error_and_nothing_is_believed \
	tests/kbroker/handlers/test_fetch_sessions.py::test_the_comparison_finds_a_session_that_does_not_hear \
	tests/kbroker/partitions/test_on_disk.py::test_a_start_after_a_kill_reads_only_what_is_behind_the_note \
	tests/kbroker/server/test_relief.py::test_halves_of_large_frames_do_not_take_more_than_there_is

# A wheel for this machine whose hot path is compiled, and the tests, run on such modules.
compiled: $(VENV)/test.stamp
	HATCH_BUILD_HOOKS_ENABLE=true $(BIN)/python -m hatchling build -t wheel -d dist

test-compiled: $(VENV)/compat.stamp
	$(BIN)/python hatch_build.py build/compiled
	cd build/compiled && $(abspath $(BIN))/python -m pytest -p no:cacheprovider -k "not planted" \
		$(NOT_COMPILED:%=--deselect %) tests compat_tests/kafka_python compat_tests/aiokafka

lint: $(VENV)/test.stamp
	$(BIN)/ruff check wire storage kbroker tests compat_tests
	$(BIN)/mypy

# Simulated lives, about 8 minutes: 300 of each kind without a bug, and for every planted bug as many as it takes to find it.
lives: $(VENV)/test.stamp
	$(BIN)/python -m tests.sim 1-300
	$(BIN)/python -m tests.sim.mutants
	$(BIN)/python -m tests.sim.transactions 1-300
	$(BIN)/python -m tests.sim.transaction_mutants

# 10,000 lives of each kind in which the power fails, and the bugs planted there: about 6 minutes.
power: $(VENV)/test.stamp
	$(BIN)/python -m tests.power

# Ten runs of kill -9 under load, about 2 minutes.
kills: $(VENV)/compat.stamp
	$(BIN)/python -m compat_tests.proof.kills

# 1,000 writes under --fsync by strace: no answer before its fdatasync. Linux, seconds.
synced: $(VENV)/compat.stamp
	$(BIN)/python -m compat_tests.proof.synced

# What small requests notice of a running compaction, about 3 minutes; on a quiet machine.
compaction: $(VENV)/compat.stamp
	$(BIN)/python -m compat_tests.proof.compaction

# Ten minutes of mixed load with retention, compaction and rebalances (SHORT=1: one): nothing may drift.
soak: $(VENV)/compat.stamp
	$(BIN)/python -m compat_tests.proof.soak $(if $(SHORT),--short)

# Real clients against a real process, under 25 minutes.
compat: $(VENV)/compat.stamp
	$(BIN)/python -m pytest compat_tests

# The web console in a real browser (Debian's chromium), about 5 minutes; KBROKER_SCREENSHOTS=1 renews docs/console/.
browser: $(VENV)/compat.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[browser]"
	$(BIN)/python -m pytest compat_tests/browser

# A live Apache Kafka (Java and Maven) against its recorded answers and against kbroker: a minute.
oracle: $(VENV)/compat.stamp
	$(BIN)/python -m compat_tests.differential

# Kafka Connect (killed in the middle) and MirrorMaker 2 from a live Apache Kafka: 2 minutes of Java.
java-long: $(VENV)/compat.stamp
	COMPAT_LONG=1 $(BIN)/python -m pytest compat_tests/java/test_connect.py

# Eight pytest workers side by side, fifty runs of tests/examples in a row: about 10 minutes.
xdist: $(VENV)/compat.stamp
	$(BIN)/python -m compat_tests.bench.side_by_side --anew

# Beside Apache Kafka and kfake on this machine: an hour; SHORT=1 a few minutes. And what requests cost, without sockets.
bench: $(VENV)/compat.stamp
	$(BIN)/python -m compat_tests.bench.startup
	$(BIN)/python -m compat_tests.bench.testing
	$(BIN)/python -m compat_tests.bench.requests
	$(BIN)/python -m compat_tests.bench.extras
	$(BIN)/python -m compat_tests.bench.compare $(if $(SHORT),--short)

# The documentation as a site in ./site, the pages of the protocol written anew.
docs: $(VENV)/test.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[docs]"
	$(BIN)/python -m tests.pages
	$(BIN)/python -m mkdocs build --quiet --config-file .mkdocs.yml

$(VENV)/run.stamp: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	$(BIN)/python -m compileall -q wire storage kbroker
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	@touch $@

$(VENV)/compat.stamp: $(VENV)/test.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test,compat]"
	@touch $@

clean:
	rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache .hypothesis
