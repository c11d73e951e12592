# make demo: build, set up, and ask three questions of a corpus. make test: formatting, lints, all tests, and those of
# the file once more with the file encrypted.

HUEDB := target/release/huedb
DEMO := target/demo

.PHONY: demo test bench install

demo: $(HUEDB)
	@sh fixtures/demo.sh $(HUEDB) $(DEMO)

$(HUEDB): FORCE
	cargo build --release --locked

FORCE:

test:
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	cargo test --locked
	HUEDB_TEST_ENCRYPTED=1 cargo test --locked --test library --test cli --test contract

bench:
	@sh benches/run

install:
	cargo install --path . --locked
