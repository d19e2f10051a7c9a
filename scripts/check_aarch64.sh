#!/usr/bin/env bash
# Compiles the sources for AArch64 with a cross compiler, without linking: scripts/check_aarch64.sh --help
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

usage() {
  cat <<'TEXT'
usage: scripts/check_aarch64.sh [-j N] [PART...]

Compiles the sources under src/ (not the tests) for AArch64, with the project's warnings as errors. Sources with SIMD
kernels are compiled to assembly, since what a target cannot do shows only there; of the others syntax and types are
checked. Nothing is linked or run. Libraries come as headers from this machine, the C and C++ library from the cross
compiler; run scripts/setup.sh first.

  -j N   files at a time (default: 2)
  PART   only sources whose path contains PART

The cross compiler (Debian):
  apt-get install g++-12-aarch64-linux-gnu libstdc++-12-dev-arm64-cross libc6-dev-arm64-cross

environment:
  AARCH64_CXX   the compiler (default: aarch64-linux-gnu-g++-12)

examples:
  scripts/check_aarch64.sh                        everything, some four minutes on two cores
  scripts/check_aarch64.sh src/core _kernels.cc   the room core and all kernels
TEXT
}

jobs=2
parts=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    -j)
      [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || { echo "check_aarch64: -j needs a number" >&2; exit 2; }
      jobs=$2
      shift ;;
    -*) echo "check_aarch64: unknown option $1 (see --help)" >&2; exit 2 ;;
    *) parts+=("$1") ;;
  esac
  shift
done

compiler=${AARCH64_CXX:-aarch64-linux-gnu-g++-12}
if ! command -v "$compiler" >/dev/null; then
  echo "check_aarch64: there is no $compiler. Install it with" >&2
  echo "  apt-get install g++-12-aarch64-linux-gnu libstdc++-12-dev-arm64-cross libc6-dev-arm64-cross" >&2
  exit 3
fi
system=$(dirname "$(echo '#include <stdio.h>' | "$compiler" -E -x c - | grep -m1 -o '/[^"]*/stdio\.h')")

# The host's headers without its C and C++ library: links to what the cross compiler does not bring itself. Those of
# the host's architecture that are left (openssl/configuration.h) describe a 64-bit little-endian machine, as this is.
headers=$root/build/aarch64/include
rm -rf "$headers"
mkdir -p "$headers/any" "$headers/host"
link_headers() { # FROM TO
  local path name
  for path in "$1"/*; do
    name=$(basename "$path")
    case $name in *-linux-gnu | c++ | crypt.h) continue ;; esac
    [ -e "$system/$name" ] || ln -s "$path" "$2/$name"
  done
}
link_headers /usr/include "$headers/any"
link_headers "/usr/include/$(uname -m)-linux-gnu" "$headers/host"

openvino=$(find -L .venv/lib -maxdepth 4 -type d -path '*/site-packages/openvino/include' 2>/dev/null | head -1)
[ -n "$openvino" ] || { echo "check_aarch64: OpenVINO's headers are missing; run scripts/setup.sh" >&2; exit 3; }

# The warnings of cmake/AssayFlags.cmake.
flags=(-std=c++23 -O2 -DNDEBUG -DFMT_SHARED -DHWY_SHARED_DEFINE '-DASSAY_VERSION="0"' '-DASSAY_OPENVINO_BUILD_TREE=""')
mapfile -t warnings < <(grep -oE -- '-W[a-z][a-z-]*' cmake/AssayFlags.cmake | grep -vE -- '-Wthread-safety' | sort -u)
flags+=("${warnings[@]}" -Wall -Wextra -Werror)
for folder in src/*/include tests/support; do flags+=("-I$folder"); done
flags+=(-isystem "$headers/any" -isystem "$headers/host" -isystem "$headers/any/poppler/cpp"
  -isystem "$headers/any/poppler" -isystem "$openvino")

sources=()
while read -r file; do
  for part in "${parts[@]:-/}"; do
    [[ $file == *"$part"* ]] && { sources+=("$file"); break; }
  done
done < <(find src -name '*.cc' ! -name '*_test.cc' | sort)
[ ${#sources[@]} -gt 0 ] || { echo "check_aarch64: no source has ${parts[*]} in its path" >&2; exit 3; }

compile() { # FILE, then the flags
  local file=$1 room=${1#src/}
  shift
  local how=(-fsyntax-only)
  if grep -q '<hwy/' "$file"; then how=(-S -o /dev/null); fi
  "$compiler" "$@" -I"src/${room%%/*}" "${how[@]}" "$file" && return
  echo "FAILED $file"
  return 1
}
export -f compile
export compiler

bad=0
printf '%s\n' "${sources[@]}" | xargs -P "$jobs" -I{} bash -c 'compile "$@"' compile {} "${flags[@]}" || bad=1
if [ "$bad" -ne 0 ]; then
  echo "check_aarch64: some of ${#sources[@]} files do not compile" >&2
  exit 1
fi
echo "${#sources[@]} files compile for $("$compiler" -dumpmachine) (not linked, not run)"
