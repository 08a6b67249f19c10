# `make test` is what CI runs. Each target installs what it needs where it is missing.

CARGO ?= cargo

.PHONY: run test lint unit schemathesis test-kratos fuzz bench

run:
	$(CARGO) run

test: lint unit schemathesis

lint:
	tests/install rust
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

# Databases of the tests lie in memory where there is some: what they show does not depend on the disk, and a disk that is
# busy for a second would look like one that is broken.
unit:
	tests/install rust
	tests/install postgres
	TMPDIR=$$([ -w /dev/shm ] && echo /dev/shm || echo "$${TMPDIR:-/tmp}") $(CARGO) test --locked

schemathesis:
	tests/install python
	$(CARGO) build --locked
	tests/schemathesis/run

# KRATOS_BIN names the binary of a real Kratos.
test-kratos:
	tests/install rust
	tests/install postgres
	$(CARGO) test --locked --test kratos

# FUZZ_SECONDS bounds it; 60 where it is not set.
fuzz:
	tests/install fuzz
	cd fuzz && mkdir -p corpus/payload && $(CARGO) +nightly fuzz run payload corpus/payload seeds/payload -- \
		-dict=payload.dict -max_len=65537 -max_total_time=$${FUZZ_SECONDS:-60}

bench:
	tests/install rust
	tests/install postgres
	tests/install bench
	$(CARGO) bench --locked --bench service
