#!/usr/bin/env bash
# Sets up, builds and times everything beside its peers: scripts/bench.sh --help
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

usage() {
  cat <<'TEXT'
usage: scripts/bench.sh [--only GROUP[,GROUP...]] [--quick] [--rounds N] [--write-docs]

Builds the preset release and runs every benchmark next to its peer, in turns. Prints a table (ours, peer, ratio, target,
met) and writes build/bench/results.json. A whole run that is not --quick also rewrites the table in docs/benchmarks.md.

  --only GROUP   only these groups: text, claims, cache, crypto, embed, vector, vector-index,
                 corpus, config, consensus, experiments, tuner, scan, telemetry, logs, cli, gateway, scale
  --quick        short runs on less data: shows that all works; the figures are rough
  --rounds N     interleaved runs of each side (default: 7, with --quick 3)
  --write-docs   also after a part or a quick run: rewrites the tables all of whose groups were run

Data sets are read from $ASSAY_DATA (default: ../shared/data); rows that need them are left out where they are absent.

examples:
  scripts/bench.sh                        the whole table, about half an hour on two cores (more the first time)
  scripts/bench.sh --quick                everything, roughly, in two minutes
  scripts/bench.sh --only text            patterns, WordPiece, sentences
  scripts/bench.sh --only corpus,cli --rounds 15
  scripts/bench.sh --only vector --write-docs         codec, store and exact search: three minutes
  scripts/bench.sh --only vector-index --write-docs   indexes beside their peers: the first runs, of at most eight minutes
                                          each, prepare (exit code 3: call it again), then three minutes
TEXT
}

run_arguments=(--command "scripts/bench.sh${*:+ $*}")
only=""
whole=1
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --quick) whole=0; run_arguments+=(--quick) ;;
    --write-docs) run_arguments+=(--write-docs) ;;
    --only | --rounds)
      [ $# -ge 2 ] || { echo "bench: $1 needs a value" >&2; exit 2; }
      run_arguments+=("$1" "$2")
      if [ "$1" = --only ]; then only=$2; whole=0; fi
      shift ;;
    *) echo "bench: unknown argument $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done
if [ "$whole" -eq 1 ]; then run_arguments+=(--write-docs); fi

say() { if [ -t 2 ]; then printf 'bench: %s\n' "$*" >&2; fi; }
logs=$root/build/bench
mkdir -p "$logs"
logged() { # NAME COMMAND...: its output goes to a log, whose end is shown when it fails
  local log=$logs/$1.log
  shift
  if ! "$@" >"$log" 2>&1; then
    tail -20 "$log" >&2
    echo "bench: failed: $*; the whole log: ${log#"$root"/}" >&2
    exit 1
  fi
}

say "setting up"
logged setup scripts/setup.sh --bench
targets=$(python3 scripts/bench_run.py --targets ${only:+--only "$only"})

# Peers: a missing one (no network) is a row without a peer, not a failure.
stamp=.venv/.assay-requirements-bench
if ! cmp -s scripts/requirements-bench.txt "$stamp" 2>/dev/null; then
  say "installing the peers of scripts/requirements-bench.txt"
  if .venv/bin/pip install -q --disable-pip-version-check --no-deps -r scripts/requirements-bench.txt \
      >"$logs/peers.log" 2>&1; then
    cp scripts/requirements-bench.txt "$stamp"
  else
    echo "bench: note: the peers could not be installed: $(tail -1 "$logs/peers.log")" >&2
  fi
fi

export ASSAY_DATA=${ASSAY_DATA:-$(dirname "$root")/shared/data}
if [ ! -d "$ASSAY_DATA" ]; then
  echo "bench: note: the data sets are not at $ASSAY_DATA; rows that need them are left out (set ASSAY_DATA)" >&2
  unset ASSAY_DATA
fi

say "building"
if command -v ccache >/dev/null; then
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache CMAKE_C_COMPILER_LAUNCHER=ccache
fi
logged configure cmake --preset release
# shellcheck disable=SC2086  # one word a target
logged build cmake --build --preset release -j "$(nproc)" --target $targets
exec .venv/bin/python scripts/bench_run.py "${run_arguments[@]}"
