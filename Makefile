# Each target sets up what it needs; the second time that takes a second or two.
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := build
.PHONY: build web test test-tools bench-accuracy test-long test-sid sanitize-sid bench-sid demo screenshot lint bench bench-instructions sanitize fuzz clean packages engine bench-table bench-scaling bench-bounded

# Known only once the packages are there, so asked when a recipe needs them.
VENVS = $(shell tools/pythons.sh | sed 's|^\([^ ]*\) .*|.venv/\1|')
NEWEST = $(lastword $(VENVS))
PROGRAMS_VENVS = $(filter .venv/3.12 .venv/3.13,$(VENVS))

CMAKE = cmake -S . -DCMAKE_BUILD_TYPE=Debug

# build: the engine and its suites, and fastprof in .venv/3.N for each Python
build: engine web
	tools/environments.sh all test

# web: the page of the HTML reports, from web/; left out where there is no Node.js
web:
	tools/web.sh

# test: the tests in C, and of fastprof by itself on each Python
test: build
	tools/packages.sh tests
	$(NEWEST)/bin/python tools/run_tests.py --results build/results --c-build build/c \
	    --tests tests/python --venvs $(VENVS)

# test-tools: fastprof with other people's tools and test suites, on each Python
test-tools: build
	tools/packages.sh viewers browser
	mkdir -p build/viewers && cp tools/viewers/package.json build/viewers/
	npm install --prefix build/viewers --no-audit --no-fund --silent
	tools/environments.sh all tools
	$(NEWEST)/bin/python tools/run_tests.py --results build/results-tools \
	    --tests tests/tools --venvs $(VENVS)

# test-long: what `make test` runs in a short form, at full length
test-long: build
	for venv in $(VENVS); do \
	    FASTPROF_LONG=1 $$venv/bin/python -m pytest -q tests/python/test_leaks.py \
	        tests/python/test_chaos.py tests/python/test_soak.py || exit 1; \
	done

# test-sid: what `test` does on CPython 3.14 and 3.15, in a Debian sid of their own; as root
test-sid:
	tools/sid.sh test

# sanitize-sid: what `sanitize` does, on these Pythons; as root
sanitize-sid:
	tools/sid.sh sanitize

# bench-sid: the workloads on these Pythons, into benchmarks/RESULTS.md
bench-sid:
	tools/sid.sh bench

# demo: profile a real program on the newest Python, show where its time goes, write the
# HTML report demo.html, and open the profile in snakeviz in a headless Chromium, as demo.png
demo: packages web
	tools/packages.sh browser
	tools/environments.sh newest demo
	tools/demo.sh $(NEWEST)
	$(NEWEST)/bin/python tools/screenshot_snakeviz.py demo.prof demo.png

# screenshot: the pictures in the README
screenshot: demo
	cp demo.png docs/snakeviz.png
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars \
	    --window-size=1280,1000 --screenshot=docs/report.png demo.html

# lint: style of the Python and of the C, types, and the stub of the extension
lint: packages
	tools/environments.sh newest test lint
	$(NEWEST)/bin/ruff check .
	$(NEWEST)/bin/ruff format --check .
	$(NEWEST)/bin/clang-format --dry-run -Werror \
	    $$(find csrc tests/c -name '*.[ch]' -not -path 'csrc/vendor/*')
	$(NEWEST)/bin/python -m mypy --strict python/fastprof
	$(NEWEST)/bin/python -m mypy.stubtest fastprof._fastprof

# bench: what profiling costs, into benchmarks/RESULTS.md: the workloads on each Python,
# real programs where their packages are installed
bench: packages
	tools/environments.sh all
	tools/environments.sh 3.12,3.13 bench
	$(NEWEST)/bin/python benchmarks/overhead.py --set workloads $(BENCH_OPTIONS) \
	    --pythons $(VENVS:%=%/bin/python)
	$(if $(PROGRAMS_VENVS),$(NEWEST)/bin/python benchmarks/overhead.py --set programs $(BENCH_OPTIONS) \
	    --pythons $(PROGRAMS_VENVS:%=%/bin/python))

# bench-instructions: the instructions of an event on each Python, by callgrind; fails
# when they rose over benchmarks/instructions.json
bench-instructions: packages
	tools/packages.sh valgrind
	tools/environments.sh all
	$(NEWEST)/bin/python benchmarks/instructions.py $(INSTRUCTIONS_OPTIONS) \
	    --pythons $(VENVS:%=%/bin/python)

# bench-table: real programs under every profiler on the newest Python, within an hour;
# a run that was cut off is taken up where it ended
bench-table: packages
	tools/environments.sh newest bench
	$(NEWEST)/bin/python benchmarks/table.py

# bench-accuracy: how true the figures of profilers are, into
# benchmarks/accuracy/RESULTS.md and docs/accuracy.svg
bench-accuracy: packages
	tools/environments.sh all
	tools/environments.sh newest bench scaling
	$(NEWEST)/bin/python benchmarks/accuracy/accuracy.py $(ACCURACY_OPTIONS) \
	    --pythons $(VENVS:%=%/bin/python)

# bench-bounded: what it costs to leave something out, and what is known then, into
# benchmarks/BOUNDED.md
bench-bounded: packages
	tools/environments.sh newest bench
	$(NEWEST)/bin/python benchmarks/bounded.py $(BOUNDED_OPTIONS)

# bench-scaling: costs as trees, stacks and threads grow, into docs/scaling.md and .svg
bench-scaling: packages
	tools/environments.sh newest scaling
	$(NEWEST)/bin/python benchmarks/scaling.py

# sanitize: the C suites and, on the newest Python, the Python tests under
# AddressSanitizer and UndefinedBehaviorSanitizer, the C suites under ThreadSanitizer, and
# the Python tests on debug builds of Python
ADDRESS_VENV = $(NEWEST:.venv/%=build/address/%)
DEBUG_VENVS = $(shell FASTPROF_DEBUG=1 tools/pythons.sh | sed 's|^\([^ ]*\) .*|build/debug/\1|')
ADDRESS = FASTPROF_SANITIZE=address,undefined FASTPROF_VENVS=build/address
DEBUG = FASTPROF_DEBUG=1 FASTPROF_VENVS=build/debug
sanitize: packages
	tools/packages.sh tests debug
	$(CMAKE) -B build/c-address -DFASTPROF_SANITIZE=address,undefined
	$(CMAKE) -B build/c-thread -DFASTPROF_SANITIZE=thread
	for build in build/c-address build/c-thread; do \
	    cmake --build $$build --parallel || exit 1; \
	done
	$(ADDRESS) tools/environments.sh newest test
	$(DEBUG) tools/environments.sh all test
	$(ADDRESS_VENV)/bin/python tools/run_tests.py --results build/results-sanitize \
	    --c-build build/c-address --c-build build/c-thread --tests tests/python \
	    --venvs $(DEBUG_VENVS) --sanitized $(ADDRESS_VENV)

# fuzz: random bytes for the loader of profile files, random events for the engine, each
# for FUZZ_SECONDS, under AddressSanitizer and UndefinedBehaviorSanitizer
FUZZ_SECONDS ?= 600
fuzz: packages
	tools/packages.sh fuzz
	CC=clang $(CMAKE) -B build/c-fuzz -DFASTPROF_FUZZ=ON -DFASTPROF_SANITIZE=address,undefined
	cmake --build build/c-fuzz --parallel --target fuzz_loader fuzz_events
	for fuzzer in fuzz_loader fuzz_events; do \
	    build/c-fuzz/$$fuzzer -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
	        -artifact_prefix=build/c-fuzz/ || exit 1; \
	done

# clean: remove everything that the other targets made
clean:
	rm -rf .venv build dist demo.prof demo.html demo.png benchmarks/.build python/fastprof.egg-info \
	    python/fastprof/assets web/node_modules

engine: packages
	$(CMAKE) -B build/c
	cmake --build build/c --parallel

packages:
	tools/packages.sh build
