#!/usr/bin/env bash
# Prints the figures of docs/quality.md, "With the checker": models/checker/evaluate.sh [FOLDS_FOLDER]
# Needs build/release, the models of scripts/setup.sh and the data sets at $ASSAY_DATA. Every set is judged with the
# installed checker and without one. FOLDS_FOLDER is `folds` of train.sh's work folder: five networks that never saw their fifth
# of RAGTruth; without it RAGTruth is judged without a checker only, since the installed one has seen it. Some six minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/../.."
data=${ASSAY_DATA:?set ASSAY_DATA to the folder of the data sets}
export ASSAY_MODELS=${ASSAY_MODELS:-$PWD/.models}

evaluate() { # SET OPTIONS...
  local set=$1
  shift
  printf '\n## %s %s\n' "$set" "$*"
  build/release/assay eval claims --data "$data/$set.jsonl" --threads 1 "$@"
}

for set in nli/snli_test nli/sick nli/rte grounding/halueval_qa nli/covidfact nli/scifact_rte nli/becel_negational; do
  evaluate "$set" --no-checker
  evaluate "$set"
done
evaluate grounding/ragtruth --folds models/verifier/folds
if [ $# -gt 0 ]; then
  evaluate grounding/ragtruth --folds models/verifier/folds --checker-folds "$1"
fi
