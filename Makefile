# The front door. CMake does the building; see docs/TESTING.md for what each suite is.
.PHONY: all run test bench check sim test-bare clean install-run install-test
.DEFAULT_GOAL := all

BUILD := build/build.ninja

all: $(BUILD)
	@cmake --build build

install-run:
	@tools/install-dependencies.sh run
install-test:
	@tools/install-dependencies.sh test

$(BUILD): | install-run
	@cmake --preset release

# The main job on real input: load this machine's package index, question it, kill it, reopen it.
run: all
	@tools/run-demo.sh

test: install-test
	@tests/run-tests.sh

bench: all
	@bench/run-bench.sh

check: all
	@tools/check.py

sim: all
	@tests/run-tests.sh sim

# Long runs, resumable by seed: make campaign-sim, make campaign-fuzz, ...
campaign-%: all
	@tests/run-campaign.sh $*

# Both commands in a fresh Debian 12 with only git and make.
test-bare:
	@tools/test-bare.sh

clean:
	@rm -rf build
