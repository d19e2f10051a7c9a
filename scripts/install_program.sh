#!/usr/bin/env bash
# Compiles the program, without tests and benchmarks, and installs it with the models and OpenVINO:
#   scripts/install_program.sh PREFIX        after scripts/setup.sh --build; a stage of the Dockerfile
# ASSAY_COMPILED names a program that is compiled already; then only the rest is done.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -eq 1 ] || { echo "usage: scripts/install_program.sh PREFIX" >&2; exit 2; }
build=build/program
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DASSAY_TESTS=OFF -DASSAY_BENCH=OFF
if [ -n "${ASSAY_COMPILED:-}" ]; then
  cp "$ASSAY_COMPILED" "$build/assay"
else
  cmake --build "$build" --target assay_program
fi
cmake --install "$build" --prefix "$1" --component program --strip
