#!/usr/bin/env bash
# Sets up, builds, and runs the main job: a local model answers questions about a small company, and Assay
# checks every answer against the company's handbook (examples/handbook). Works offline once it is set up.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
if [ ! -f build/release/build.ninja ]; then
  cmake --preset release -DASSAY_TESTS=OFF -DASSAY_BENCH=OFF >/dev/null
fi
echo "demo: building build/release/assay"
cmake --build --preset release --target assay_program >/dev/null
.venv/bin/python examples/demo.py --assay build/release/assay --work .demo 2>/dev/null
