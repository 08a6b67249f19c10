# `make test` is what CI runs. Each target installs what it needs where it is missing.

CARGO ?= cargo

.PHONY: run test lint unit schemathesis browser test-kratos fuzz bench demo

run:
	$(CARGO) run

test: lint unit schemathesis browser

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

# In a real Chromium, against the double of Kratos.
browser:
	KRATOS_BIN= tests/browser/run

# KRATOS_BIN names the binary of a real Kratos; the same tests in a browser as `browser`, against that one.
test-kratos:
	tests/install rust
	tests/install postgres
	$(CARGO) test --locked --test kratos
	tests/browser/run

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

# The whole way in one's own browser, beside a double of Kratos: prints the address to open.
demo:
	tests/install rust
	$(CARGO) build --locked
	$(CARGO) run --locked --quiet --example demo
