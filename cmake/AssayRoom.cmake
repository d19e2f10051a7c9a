# assay_room(NAME <room> SOURCES <cc...> [DEPS <room...>] [PUBLIC_LINK <lib...>] [LINK <lib...>])
#
# One static library per room, with the room's own include root. DEPS are earlier rooms; a header of a
# room that is not named there is not found by the compiler.
function(assay_room)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS;PUBLIC_LINK;LINK" ${ARGN})
  set(target assay_${ARG_NAME})
  add_library(${target} STATIC ${ARG_SOURCES})
  add_library(assay::${ARG_NAME} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${ARG_NAME})
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/include/*.h")
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${headers})
  set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  foreach(dep IN LISTS ARG_DEPS)
    if(NOT TARGET assay_${dep})
      message(FATAL_ERROR "Room '${ARG_NAME}' depends on '${dep}', which does not come before it.")
    endif()
    target_link_libraries(${target} PUBLIC assay_${dep})
  endforeach()
  target_link_libraries(${target} PUBLIC ${ARG_PUBLIC_LINK} PRIVATE $<BUILD_INTERFACE:assay_flags> ${ARG_LINK})
  if(ARG_NAME STREQUAL "gateway")
    assay_precompile(${target} GATEWAY_LIBRARY)
  else()
    assay_precompile(${target} LIBRARY)
  endif()
  set_property(GLOBAL APPEND PROPERTY ASSAY_ROOMS ${ARG_NAME})
endfunction()

# What every test and fuzz replay of a sanitizer build runs with. oneTBB opens its helpers with RTLD_DEEPBIND, which the
# address sanitizer refuses. OpenVINO's copy can be told not to; Debian's 2021.8 cannot, so these run with the former.
set(ASSAY_SANITIZER_ENVIRONMENT "")
if(ASSAY_SANITIZE)
  set(ASSAY_SANITIZER_ENVIRONMENT
    "TBB_ENABLE_SANITIZERS=1"
    "LD_LIBRARY_PATH=${ASSAY_OPENVINO_DIR}/libs"
    "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1"
    "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/sanitizers/lsan.supp:print_suppressions=0"
    "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1"
    "UBSAN_OPTIONS=print_stacktrace=1")
endif()

# assay_test(NAME <name> SOURCES <cc...> [LINK <lib...>] [LABELS <label...>] [TIMEOUT <seconds>])
#
# One test program; the first label defaults to "fast". Tests find the data sets by ASSAY_DATA.
# Under the thread sanitizer only those are built whose code starts threads.
set(ASSAY_THREADED_TESTS
  "^(core|crypto|telemetry|cache|consensus|embed|gateway|scan)_|^text_patterns|^experiments_live|^vector_(index|store)|^claims_(extractor|verdict_cache)|^logs_(analysis|search|templates)")
function(assay_test)
  cmake_parse_arguments(ARG "" "NAME;TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT ASSAY_TESTS)
    return()
  endif()
  foreach(source IN LISTS ARG_SOURCES)
    set_property(GLOBAL APPEND PROPERTY ASSAY_TEST_SOURCES "${CMAKE_CURRENT_SOURCE_DIR}/${source}")
  endforeach()
  if(ASSAY_SANITIZE MATCHES "thread" AND NOT ARG_NAME MATCHES "${ASSAY_THREADED_TESTS}")
    return()
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS fast)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  target_include_directories(${ARG_NAME} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_LINK} assay_test_support assay_flags GTest::gtest GTest::gtest_main)
  if("assay_gateway" IN_LIST ARG_LINK)
    assay_precompile(${ARG_NAME} GATEWAY_TEST)
  else()
    assay_precompile(${ARG_NAME} TEST)
  endif()
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME})
  set_tests_properties(${ARG_NAME} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "ASSAY_SOURCE_DIR=${CMAKE_SOURCE_DIR};ASSAY_MODELS=${CMAKE_SOURCE_DIR}/.models;${ASSAY_SANITIZER_ENVIRONMENT}")
endfunction()

# assay_use_tiny_checker(<test>...): the tests find the tiny cross-encoder of tests/support by ASSAY_TINY_CHECKER.
function(assay_use_tiny_checker)
  foreach(target IN LISTS ARGN)
    if(TARGET ${target})
      add_dependencies(${target} assay_tiny_checker)
      target_compile_definitions(${target} PRIVATE ASSAY_TINY_CHECKER="${CMAKE_BINARY_DIR}/tiny_checker")
    endif()
  endforeach()
endfunction()

# assay_bench(NAME <name> SOURCES <cc...> [LINK <lib...>]): a Google Benchmark program. Built when it is asked for by its
# name, or all by the target `benchmarks`: scripts/bench.sh does; scripts/test.sh has them read by clang-tidy alone.
function(assay_bench)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;LINK" ${ARGN})
  if(NOT ASSAY_BENCH OR ASSAY_FUZZ OR ASSAY_SANITIZE)
    return()
  endif()
  add_executable(${ARG_NAME} EXCLUDE_FROM_ALL ${ARG_SOURCES})
  if(NOT TARGET benchmarks)
    add_custom_target(benchmarks)
  endif()
  add_dependencies(benchmarks ${ARG_NAME})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_LINK} assay_flags benchmark::benchmark)
  set_target_properties(${ARG_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bench")
endfunction()

# assay_fuzz(NAME <name> SOURCE <cc> LINK <lib...>)
#
# Presets asan and fuzz: a libFuzzer program fuzz/<name>. Elsewhere: a test that replays fuzz/corpus/<name>/, but not under the
# thread sanitizer, since a replay has one thread.
function(assay_fuzz)
  cmake_parse_arguments(ARG "" "NAME;SOURCE" "LINK" ${ARGN})
  set(corpus "${CMAKE_SOURCE_DIR}/fuzz/corpus/${ARG_NAME}")
  set_property(GLOBAL APPEND PROPERTY ASSAY_FUZZ_TARGETS "${ARG_NAME} ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_SOURCE}")
  if(ASSAY_FUZZ)
    add_executable(fuzz_${ARG_NAME} ${ARG_SOURCE})
    target_link_libraries(fuzz_${ARG_NAME} PRIVATE ${ARG_LINK} assay_flags)
    target_link_options(fuzz_${ARG_NAME} PRIVATE -fsanitize=fuzzer)
    set_target_properties(fuzz_${ARG_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
  elseif(ASSAY_TESTS AND NOT ASSAY_SANITIZE MATCHES "thread")
    add_executable(fuzz_replay_${ARG_NAME} ${ARG_SOURCE} "${CMAKE_SOURCE_DIR}/fuzz/replay_main.cc")
    target_link_libraries(fuzz_replay_${ARG_NAME} PRIVATE ${ARG_LINK} assay_flags)
    add_test(NAME fuzz_replay_${ARG_NAME} COMMAND fuzz_replay_${ARG_NAME} "${corpus}")
    set_tests_properties(fuzz_replay_${ARG_NAME} PROPERTIES LABELS "fuzz_replay"
      ENVIRONMENT "${ASSAY_SANITIZER_ENVIRONMENT}")
  endif()
endfunction()
