# What comes from the system. Each room names what it links; nothing is linked everywhere.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(TBB REQUIRED)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
find_package(simdjson REQUIRED)
find_package(boost_json 1.81 CONFIG REQUIRED)
find_package(tomlplusplus REQUIRED)
pkg_check_modules(FYAML REQUIRED IMPORTED_TARGET libfyaml)
find_package(cmark REQUIRED)
pkg_check_modules(GUMBO REQUIRED IMPORTED_TARGET gumbo)
pkg_check_modules(POPPLER REQUIRED IMPORTED_TARGET poppler-cpp)
pkg_check_modules(VECTORSCAN REQUIRED IMPORTED_TARGET libhs)
find_package(OpenSSL REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(ARGON2 REQUIRED IMPORTED_TARGET libargon2)
find_package(SQLite3 REQUIRED)
find_package(CURL 7.85 REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)
find_package(mimalloc REQUIRED)
find_package(spdlog REQUIRED)
if(ASSAY_TESTS OR ASSAY_BENCH)
  pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)  # an oracle and a peer, never shipped
endif()
if(ASSAY_TESTS)
  find_package(GTest REQUIRED)
endif()
if(ASSAY_BENCH)
  find_package(benchmark REQUIRED)
endif()

# OpenVINO's wheel carries the C headers; the library itself is opened on first use (docs/decisions/0003).
if(SKBUILD)  # a wheel of ours: in the environment of its build, another one each time
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c
      "import importlib.util as u; print(u.find_spec('openvino').submodule_search_locations[0])"
    OUTPUT_VARIABLE ASSAY_OPENVINO_DIR OUTPUT_STRIP_TRAILING_WHITESPACE)
else()
  file(GLOB ASSAY_OPENVINO_CANDIDATES
    "${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/openvino")
  set(ASSAY_OPENVINO_DIR "${ASSAY_OPENVINO_CANDIDATES}" CACHE PATH
    "Folder of the OpenVINO wheel (holds include/ and libs/)")
endif()
if(NOT EXISTS "${ASSAY_OPENVINO_DIR}/include/openvino/c/openvino.h")
  message(FATAL_ERROR "OpenVINO's headers were not found in '${ASSAY_OPENVINO_DIR}'. "
                      "Run scripts/setup.sh, or pass -DASSAY_OPENVINO_DIR=<openvino wheel folder>.")
endif()
