# cmake --install: headers, libraries, the program, the models and what OpenVINO needs, so that nothing points into
# the source tree or a virtual environment. `find_package(assay)` then gives assay::assay and one target per room.
# `--component program` leaves headers and libraries out.
include(CMakePackageConfigHelpers)

get_property(ASSAY_ROOMS GLOBAL PROPERTY ASSAY_ROOMS)
list(TRANSFORM ASSAY_ROOMS PREPEND "assay_" OUTPUT_VARIABLE ASSAY_ROOM_TARGETS)

# The umbrella: all rooms, for those who do not want to choose.
add_library(assay_assay INTERFACE)
add_library(assay::assay ALIAS assay_assay)
set_target_properties(assay_assay PROPERTIES EXPORT_NAME assay)
target_link_libraries(assay_assay INTERFACE ${ASSAY_ROOM_TARGETS})

install(TARGETS ${ASSAY_ROOM_TARGETS} assay_assay EXPORT assayTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT assayTargets NAMESPACE assay:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/assay)
configure_package_config_file(cmake/assayConfig.cmake.in "${CMAKE_BINARY_DIR}/assayConfig.cmake"
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/assay)
write_basic_package_version_file("${CMAKE_BINARY_DIR}/assayConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/assayConfig.cmake" "${CMAKE_BINARY_DIR}/assayConfigVersion.cmake"
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/assay)

# The program, where the command line is part of this build.
if(TARGET assay_program)
  install(TARGETS assay_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
endif()

# OpenVINO: the C interface, the CPU plug-in and the two front ends that the models need. Found by programs in
# <prefix>/bin as ../lib/assay/openvino, whatever CMAKE_INSTALL_LIBDIR is. The libraries' own run path is $ORIGIN.
install(CODE "set(ASSAY_OPENVINO_DIR \"${ASSAY_OPENVINO_DIR}\")" COMPONENT program)
install(CODE [[
  file(GLOB libraries
    "${ASSAY_OPENVINO_DIR}/libs/libopenvino.so.*"
    "${ASSAY_OPENVINO_DIR}/libs/libopenvino_c.so.*"
    "${ASSAY_OPENVINO_DIR}/libs/libopenvino_intel_cpu_plugin.so"
    "${ASSAY_OPENVINO_DIR}/libs/libopenvino_arm_cpu_plugin.so"
    "${ASSAY_OPENVINO_DIR}/libs/libopenvino_ir_frontend.so.*"
    "${ASSAY_OPENVINO_DIR}/libs/libopenvino_onnx_frontend.so.*"
    "${ASSAY_OPENVINO_DIR}/libs/libtbb.so.*"
    "${ASSAY_OPENVINO_DIR}/libs/libtbbmalloc.so.*"
    "${ASSAY_OPENVINO_DIR}/libs/libtbbbind*.so.*"
    "${ASSAY_OPENVINO_DIR}/libs/libhwloc.so.*")
  file(INSTALL ${libraries} DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/assay/openvino" TYPE SHARED_LIBRARY)
]] COMPONENT program)

# The models that scripts/setup.sh made, where it was run.
install(DIRECTORY "${CMAKE_SOURCE_DIR}/.models/" DESTINATION share/assay/models COMPONENT program OPTIONAL)
install(FILES LICENSE DESTINATION share/doc/assay COMPONENT program)

if(ASSAY_TESTS AND NOT ASSAY_FUZZ AND NOT ASSAY_SANITIZE)
  add_test(NAME install_test
    COMMAND "${CMAKE_COMMAND}" "-DBUILD_DIR=${CMAKE_BINARY_DIR}" "-DSOURCE_DIR=${CMAKE_SOURCE_DIR}"
            "-DGENERATOR=${CMAKE_GENERATOR}" -P "${CMAKE_SOURCE_DIR}/tests/install/install_test.cmake")
  set_tests_properties(install_test PROPERTIES LABELS slow TIMEOUT 300)
endif()
