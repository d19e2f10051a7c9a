#!/usr/bin/env bash
# Sets up, builds, and runs the main job: a local model answers questions about a small company, and Assay
# checks every answer against the company's handbook (examples/handbook). Works offline once it is set up.
set -euo pipefail
cd "$(dirname "$0")/.."

# Notes of the libraries go to a log; its end is shown if something fails.
mkdir -p .demo
log=$PWD/.demo/demo.log
: >"$log"
trap 'status=$?; if [ $status -ne 0 ]; then echo "demo: failed; the end of $log:" >&2; tail -n 20 "$log" >&2; fi' EXIT

scripts/setup.sh
if [ ! -f build/release/build.ninja ]; then
  cmake --preset release -DASSAY_TESTS=OFF -DASSAY_BENCH=OFF >>"$log" 2>&1
fi
echo "demo: building build/release/assay"
cmake --build --preset release --target assay_program >>"$log" 2>&1
.venv/bin/python examples/demo.py --assay build/release/assay --work .demo 2>>"$log"
