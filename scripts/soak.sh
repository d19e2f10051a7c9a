#!/usr/bin/env bash
# Shows that the gateway leaks nothing and survives what goes wrong around it: scripts/soak.sh --help
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TEXT'
usage: scripts/soak.sh [--minutes M] [--requests N] [--seed S]

Sets up, builds build/release/assay, and runs two things against it:

  1. N distinct requests (default: 1,000,000) through a small cache: resident memory every tenth of them, and its slope
  2. M minutes (default: 10) of load while the upstream, the network to it and Redis fail and the gateway is killed,
     ended and reloaded at random moments; tests/soak/chaos.py says what must hold

  --seed S       of all that is random in the second; a run prints its own, to be repeated

Exit code: 0 when all held, 1 when something did not.

examples:
  scripts/soak.sh                                about twelve minutes
  scripts/soak.sh --minutes 1 --requests 100000
TEXT
}

minutes=10
requests=1000000
seed=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --minutes | --requests | --seed)
      [ $# -ge 2 ] || { echo "soak: $1 needs a value" >&2; exit 2; }
      case $1 in
        --minutes) minutes=$2 ;;
        --requests) requests=$2 ;;
        --seed) seed=(--seed "$2") ;;
      esac
      shift ;;
    *) echo "soak: unknown argument $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

scripts/setup.sh
[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
echo "soak: building build/release/assay"
cmake --build --preset release --target assay_program >/dev/null

failed=0
echo "soak: $requests distinct requests"
ASSAY_TEST_MEMORY_REQUESTS=$requests .venv/bin/python tests/integration/memory_test.py || failed=1
echo "soak: $minutes minutes of faults"
.venv/bin/python tests/soak/chaos.py --minutes "$minutes" "${seed[@]}" || failed=1
exit $failed
