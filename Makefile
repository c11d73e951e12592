# make demo: build, set up, and ask three questions of a corpus. make test: formatting, lints (also of the library without
# its features), docs, all tests, and those of the file, of faults and of damage once more with the file encrypted.
# make dist: a Debian package and an archive of the release build, with their checksums, in target/dist (needs cargo-deb).
# make deny: licences, sources and releases of dependencies (cargo-deny). make fuzz: libFuzzer (cargo-fuzz), FUZZ_SECONDS a target.

HUEDB := target/release/huedb
DEMO := target/demo
FUZZ_SECONDS := 60
# libFuzzer ends at a panic, also at one that the program catches, as it does those of the tokenizers and parquet crates.
FUZZ_TARGETS := $(filter-out columns tokenizer_file,$(notdir $(wildcard fuzz/seeds/*)))

.PHONY: demo test clients deny advisories fuzz bench install dist

demo: $(HUEDB)
	@sh fixtures/demo.sh $(HUEDB) $(DEMO)

$(HUEDB): FORCE
	cargo build --release --locked

FORCE:

test:
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	cargo clippy --benches --features internals --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --lib --locked
	cargo clippy --no-default-features --lib --locked -- -D warnings
	cargo test --locked
	HUEDB_TEST_ENCRYPTED=1 cargo test --locked --test library --test cli --test contract
	HUEDB_TEST_ENCRYPTED=1 cargo test --locked --lib -- crash_tests damage_tests

# What the registry itself knows of trouble is a release taken back; cargo says so when it packages.
# Chroma's own clients, for the tests of the server.
clients: target/clients/python target/clients/javascript

target/clients/python:
	python3 -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check chromadb-client==1.5.9 || { rm -r $@; exit 1; }

target/clients/javascript:
	mkdir -p $@
	npm install --silent --no-audit --no-fund --prefix $@ chromadb@3.5.0 || { rm -r $@; exit 1; }

deny:
	cargo deny --locked check bans licenses sources
	@mkdir -p target
	cargo package --locked --no-verify --allow-dirty --target-dir target/package 2> target/package.log || \
		{ cat target/package.log; exit 1; }
	! grep 'is yanked' target/package.log

# Fetches the RustSec database, so it needs the network.
advisories:
	cargo deny --locked check advisories

# Sanitizers are flags of nightly compilers; the stable one takes them when it is told to.
fuzz: export RUSTC_BOOTSTRAP = 1
fuzz: export ASAN_OPTIONS = allocator_may_return_null=1
fuzz:
	@for target in $(FUZZ_TARGETS); do \
		mkdir -p fuzz/corpus/$$target && \
		cargo fuzz run --codegen-units 16 $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -timeout=25 -rss_limit_mb=4096 -print_final_stats=1 || exit 1; \
	done

bench:
	@sh benches/run

install:
	cargo install --path . --locked

VERSION = $(shell cargo pkgid --locked | sed 's/.*[\#@]//')
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
ARCHIVE = huedb-$(VERSION)-$(HOST)
DIST := target/dist

# As long as nothing changes the archive is the same, byte for byte.
dist: $(HUEDB)
	rm -rf $(DIST)
	mkdir -p $(DIST)/man $(DIST)/$(ARCHIVE)
	for page in man/*; do gzip -9 -n -c $$page > $(DIST)/man/$${page##*/}.gz; done
	cp -r $(HUEDB) man completions README.md CHANGELOG.md SECURITY.md LICENSE-APACHE LICENSE-MIT $(DIST)/$(ARCHIVE)/
	tar -C $(DIST) --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$$(git log -1 --format=%ct) -cf - $(ARCHIVE) \
		| gzip -9 -n > $(DIST)/$(ARCHIVE).tar.gz
	cargo deb --no-build --no-strip --locked --output $(DIST)/
	rm -r $(DIST)/man $(DIST)/$(ARCHIVE)
	cd $(DIST) && sha256sum *.deb *.tar.gz > SHA256SUMS && cat SHA256SUMS
