# Installs the build into an empty prefix, checks what is there, and builds and runs a program against it.
set(work "${BUILD_DIR}/install_test")
file(REMOVE_RECURSE "${work}")

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result}): ${ARGV}\n${output}")
  endif()
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${work}/prefix")

foreach(pattern IN ITEMS lib/assay/openvino/libopenvino_c.so.* lib/assay/openvino/libopenvino_*cpu_plugin.so
                         include/assay/core/result.h share/doc/assay/LICENSE)
  file(GLOB found "${work}/prefix/${pattern}")
  if(NOT found)
    message(FATAL_ERROR "the installation lacks ${pattern}")
  endif()
endforeach()

# What is installed must work without the source tree.
file(GLOB_RECURSE texts "${work}/prefix/*.cmake" "${work}/prefix/include/*.h")
foreach(text IN LISTS texts)
  file(READ "${text}" content)
  string(FIND "${content}" "${SOURCE_DIR}" place)
  if(NOT place EQUAL -1)
    message(FATAL_ERROR "${text} names the source tree")
  endif()
endforeach()

run("${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${SOURCE_DIR}/tests/install/consumer" -B "${work}/build"
    "-DCMAKE_PREFIX_PATH=${work}/prefix" -DCMAKE_BUILD_TYPE=Release)
run("${CMAKE_COMMAND}" --build "${work}/build")
run("${work}/build/consumer")
file(REMOVE_RECURSE "${work}")
