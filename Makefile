# The commands of the project; each installs what it needs.
#
#   make demo      builds and runs the main job on the embedded data
#   make test      builds everything and passes the tests
#   make bench     compares us with our peers, side by side, and writes docs/benchmarks.md
#   make fuzz      ten million hostile inputs for every decoder
#   make format    formats the sources; make format-check only looks
#   make docs      builds the reference of the libraries

.PHONY: demo build test bench fuzz format format-check docs clean
.DEFAULT_GOAL := demo

SWIFT ?= swift
# Tests that run coordinators and sites as processes, with deadlines, come by themselves: they would starve beside the others.
# Tests are optimised and see only what other modules see, so they share their build with the product.
TEST = $(SWIFT) test -c release --disable-testable-imports
SWIFT_FOLDERS = Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources

demo: build
	.build/release/tacit demo --out tacit-demo

build: .build/system-packages
	$(SWIFT) build -c release

test: .build/system-packages format-check
	scripts/test-peers.sh
	$(SWIFT) build -c release --build-tests
	$(TEST) --skip FederationNetworkTests
	$(TEST) --filter FederationNetworkTests

fuzz: .build/system-packages
	TACIT_FUZZ_ITERATIONS=$${TACIT_FUZZ_ITERATIONS:-10000000} $(TEST) --filter '[Ff]uzz'

bench: build
	Benchmarks/run.sh

format:
	$(SWIFT) format -i --configuration .swift-format -r $(SWIFT_FOLDERS)

format-check:
	$(SWIFT) format lint --strict --configuration .swift-format -r $(SWIFT_FOLDERS)

docs: .build/system-packages
	scripts/build-docs.sh

clean:
	rm -rf .build Benchmarks/.build

.build/system-packages: scripts/system-packages.sh
	scripts/system-packages.sh
	@mkdir -p .build
	@touch $@
