# Finds Python and nanobind for the package `assay`: in the wheel's build environment, or in .venv, where setup.sh has
# put them. The same folder in both keeps the compiler's commands, and so ccache's entries, the same.
if(NOT SKBUILD)
  set(Python_EXECUTABLE "${CMAKE_SOURCE_DIR}/.venv/bin/python" CACHE FILEPATH "The interpreter that the package is for")
endif()
find_package(Python 3.11 COMPONENTS Interpreter Development.Module ${SKBUILD_SABI_COMPONENT} REQUIRED)
file(GLOB candidates "${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/nanobind/cmake")
if(NOT candidates)
  execute_process(COMMAND "${Python_EXECUTABLE}" -m nanobind --cmake_dir OUTPUT_VARIABLE candidates
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endif()
find_package(nanobind CONFIG REQUIRED PATHS ${candidates} NO_DEFAULT_PATH)
