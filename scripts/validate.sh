#!/usr/bin/env bash
# Measures on this machine what the reports claimed that the project grew from: sets up, builds, starts the local model
# of examples/local_model.py and runs `assay validate` on it. Takes about five minutes on two cores.
# Arguments go to `assay validate` (--json, --only NAMES, --markdown docs/validation.md, ...); so does its exit code: 1 if
# a row falls short. Data sets are read from $ASSAY_DATA (default: ../shared/data); rows on them are left out without.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p .demo
log=$PWD/.demo/validate.log
: >"$log"
model=
finish() {
  local status=$?
  if [ -n "$model" ]; then kill "$model" 2>/dev/null || true; fi
  if [ "$status" -gt 1 ]; then
    echo "validate: failed; the end of $log:" >&2
    tail -n 20 "$log" >&2
  fi
}
trap finish EXIT

scripts/setup.sh >&2
if [ ! -f build/release/build.ninja ]; then
  cmake --preset release -DASSAY_TESTS=OFF -DASSAY_BENCH=OFF >>"$log" 2>&1
fi
echo "validate: building build/release/assay" >&2
cmake --build --preset release --target assay_program >>"$log" 2>&1

export ASSAY_DATA=${ASSAY_DATA:-$PWD/../shared/data}
if [ ! -d "$ASSAY_DATA" ]; then
  echo "validate: the data sets are not at $ASSAY_DATA; rows on them are left out (set ASSAY_DATA)" >&2
  unset ASSAY_DATA
fi

echo "validate: starting gemma-3 270M on one thread" >&2
mkfifo .demo/model.$$ && exec 3<>.demo/model.$$ && rm .demo/model.$$
.venv/bin/python examples/local_model.py .demo >&3 2>>"$log" &
model=$!
read -r -t 120 -u 3 url

status=0
build/release/assay validate --upstream "$url" --python .venv/bin/python "$@" || status=$?
exit "$status"
