#!/usr/bin/env bash
# Sets up, builds and tests everything: scripts/test.sh [--quick]
# --quick runs the release tests only. Data sets are read from $ASSAY_DATA (default: ../shared/data); tests that need them
# are skipped where it is absent. Logs of the stages are in build/test-logs; the last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
quick=0
case "${1:-}" in
  "") ;;
  --quick) quick=1 ;;
  *) echo "usage: scripts/test.sh [--quick]" >&2; exit 2 ;;
esac

jobs=$(nproc)
logs=$root/build/test-logs
mkdir -p "$logs"
if command -v ccache >/dev/null; then
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache CMAKE_C_COMPILER_LAUNCHER=ccache CCACHE_SLOPPINESS=pch_defines,time_macros
fi
passed=0
failed=0

# stage NAME COMMAND...: runs it with its output in a log, prints one line. Counts ctest's tests where the log has
# its summary, else the stage as one test.
stage() {
  local name=$1 log=$logs/$1.log begin=$SECONDS ok=1 good=0 bad=0 summary
  shift
  "$@" >"$log" 2>&1 || ok=0
  summary=$(grep -E '% tests passed, [0-9]+ tests failed out of [0-9]+' "$log" | tail -1)
  if [ -n "$summary" ]; then
    bad=$(sed -E 's/.* ([0-9]+) tests failed out of .*/\1/' <<<"$summary")
    good=$(($(sed -E 's/.* out of ([0-9]+).*/\1/' <<<"$summary") - bad))
    if [ "$ok" -eq 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  elif [ "$ok" -eq 1 ]; then
    good=1
  else
    bad=1
  fi
  passed=$((passed + good))
  failed=$((failed + bad))
  printf '%-16s %-6s %4d s  %d passed, %d failed\n' "$name" "$([ "$bad" -eq 0 ] && echo ok || echo FAILED)" \
    $((SECONDS - begin)) "$good" "$bad"
  if [ "$bad" -ne 0 ]; then
    grep -nE 'error:|FAILED|\*\*\*|breach|Failure|ERROR:|SUMMARY:' "$log" | head -20
    echo "  ... the whole log: ${log#"$root"/}"
  fi
  [ "$bad" -eq 0 ]
}

build() { # PRESET [TARGET...]
  local preset=$1
  shift
  cmake --preset "$preset" && cmake --build --preset "$preset" -j "$jobs" ${@:+--target "$@"}
}

run_tests() { # PRESET CTEST_ARGUMENTS...
  local preset=$1
  shift
  ctest --test-dir "build/$preset" -j "$jobs" --output-on-failure --no-tests=error "$@"
}

format() {
  git ls-files -co --exclude-standard -- '*.cc' '*.h' | grep -Ev '(^|/)gen/' |
    while read -r file; do [ -f "$file" ] && echo "$file"; done | xargs -P "$jobs" -n 16 clang-format-19 --dry-run -Werror
}

# What takes longest begins first; what measures time or memory runs after the others, by itself.
first='wheel_test|samples_test|dashboard_test|openapi_test|typing_test|crash_test|cluster_test|embed_test|reference_test'
alone='chaos_test|disk_full_test|memory_test|ray_test|scan_namespace_test|serve_test'

python_one() { # FILE: its output goes out in one piece
  local python=.venv/bin/python log ok=1 begin=$SECONDS
  [ -x "$python" ] || python=python3
  log=$(mktemp)
  "$python" "$1" >"$log" 2>&1 || ok=0
  {
    flock 9
    echo "== $1 ($((SECONDS - begin)) s)"
    cat "$log"
    [ "$ok" -eq 1 ] || echo "FAILED $1"
  } 9>>build/test-logs/.python
  rm -f "$log"
  [ "$ok" -eq 1 ]
}
export -f python_one

python_tests() {
  local files beside count bad
  files=$(find tests python -name '*_test.py' | sort)
  beside=$(grep -vE "/($alone)\.py" <<<"$files")
  {
    { grep -E "/($first)\.py" <<<"$beside"; grep -vE "/($first)\.py" <<<"$beside"; } |
      xargs -P "$jobs" -I{} bash -c 'python_one {}'
    grep -E "/($alone)\.py" <<<"$files" | xargs -I{} bash -c 'python_one {}'
  } | tee "$logs/python-tests.out"
  count=$(wc -l <<<"$files")
  bad=$((count - $(grep -cE '^== [^ ]*_test\.py \(' "$logs/python-tests.out") + $(grep -cE '^FAILED [^ ]*_test\.py$' "$logs/python-tests.out")))
  echo "$((100 * (count - bad) / count))% tests passed, $bad tests failed out of $count"
  [ "$bad" -eq 0 ]
}

fuzz_one() { # PROGRAM: four seconds from its corpus; new inputs go to a folder of the build
  local name found
  name=$(basename "$1")
  found=build/asan/found/${name#fuzz_}
  mkdir -p "$found"
  if ! "$1" -max_total_time=4 -timeout=10 -rss_limit_mb=3072 -print_final_stats=0 -verbosity=0 \
      -artifact_prefix="build/asan/crash-${name#fuzz_}-" "$found" "fuzz/corpus/${name#fuzz_}"; then
    echo "FAILED $name"
    return 1
  fi
}
export -f fuzz_one

fuzz() {
  ls build/asan/fuzz/fuzz_* >/dev/null || return 1
  printf '%s\n' build/asan/fuzz/fuzz_* | xargs -P "$jobs" -I{} bash -c 'fuzz_one {}'
}

export ASSAY_DATA=${ASSAY_DATA:-$(dirname "$root")/shared/data}
if [ ! -d "$ASSAY_DATA" ]; then
  echo "note: the data sets are not at $ASSAY_DATA; tests on real data are skipped (set ASSAY_DATA)"
  unset ASSAY_DATA
fi
# For the fuzz programs; tests have their options from cmake/AssayRoom.cmake.
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export LSAN_OPTIONS=suppressions=$root/tests/sanitizers/lsan.supp:print_suppressions=0
export UBSAN_OPTIONS=print_stacktrace=1

if [ "$quick" -eq 1 ]; then stage setup scripts/setup.sh; else stage setup scripts/setup.sh --tests; fi
if stage build-release build release; then
  stage test-release run_tests release
fi
if [ "$quick" -eq 0 ]; then
  stage headers cmake --build --preset release -j "$jobs" --target all_verify_interface_header_sets
  stage format format
  stage sizes python3 scripts/check_sizes.py
  stage rules python3 scripts/check_rules.py
  stage python-tests python_tests
  stage tidy python3 scripts/run_tidy.py --jobs "$jobs"
  if stage build-asan build asan; then
    stage test-asan run_tests asan -LE slow
    stage fuzz fuzz
  fi
  if stage build-tsan build tsan; then
    stage test-tsan run_tests tsan -LE 'model|slow'
  fi
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
