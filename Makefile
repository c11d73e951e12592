# make demo: build, set up, and ask three questions of a corpus. make test: formatting, lints and all tests.

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

bench:
	@sh benches/run

install:
	cargo install --path . --locked
