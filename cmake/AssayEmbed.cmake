# assay_embed(OUTPUT <cc> NAMESPACE <ns> HEADER <h> FOLDER <folder> FILES <file...>)
#
# Writes a C++ source with the bytes of the files, as a table of `EmbeddedFile` (declared in
# HEADER). Only CMake is needed: neither an assembler nor a script.
set(ASSAY_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/embed_files.cmake")

function(assay_embed)
  cmake_parse_arguments(ARG "" "OUTPUT;NAMESPACE;HEADER;FOLDER" "FILES" ${ARGN})
  set(inputs "")
  foreach(file IN LISTS ARG_FILES)
    list(APPEND inputs "${ARG_FOLDER}/${file}")
  endforeach()
  string(REPLACE ";" "," files "${ARG_FILES}")
  add_custom_command(
    OUTPUT "${ARG_OUTPUT}"
    COMMAND "${CMAKE_COMMAND}" "-DOUTPUT=${ARG_OUTPUT}" "-DNAMESPACE=${ARG_NAMESPACE}"
      "-DHEADER=${ARG_HEADER}" "-DFOLDER=${ARG_FOLDER}"
      "-DFILES=${files}" -P "${ASSAY_EMBED_SCRIPT}"
    DEPENDS ${inputs} "${ASSAY_EMBED_SCRIPT}"
    COMMENT "Embedding ${ARG_FOLDER}"
    VERBATIM)
endfunction()
