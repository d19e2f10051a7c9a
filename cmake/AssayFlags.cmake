# Compiler settings for Assay's own code, carried by one INTERFACE target.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

add_library(assay_flags INTERFACE)
target_compile_options(assay_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Thread-safety attributes are checked only by clang; nullptr and override here rather than by clang-tidy, which takes
  # a fifth of its time for them. libstdc++ 12 itself uses what C++17 deprecated, in std::stable_sort.
  target_compile_options(assay_flags INTERFACE -Wthread-safety -Wzero-as-null-pointer-constant -Wsuggest-override
    -Wno-deprecated-declarations)
endif()
# g++ 12 reports false "maybe uninitialized" reads through std::expected and optional, and false overlaps in
# std::string concatenation (GCC bug 105651) and writes in fmt 9 that fill a format specification.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(assay_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict
    -Wno-stringop-overflow)
endif()

set(ASSAY_SANITIZER_FLAGS "")
if(ASSAY_SANITIZE)
  set(ASSAY_SANITIZER_FLAGS -fsanitize=${ASSAY_SANITIZE} -fno-sanitize-recover=all)
endif()
if(ASSAY_FUZZ)
  list(APPEND ASSAY_SANITIZER_FLAGS -fsanitize=fuzzer-no-link)
endif()
if(ASSAY_SANITIZER_FLAGS)
  add_compile_options(${ASSAY_SANITIZER_FLAGS})
  add_link_options(${ASSAY_SANITIZER_FLAGS})
endif()
