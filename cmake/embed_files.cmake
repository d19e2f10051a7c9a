# Run by assay_embed: FILES (with commas) of FOLDER become the table kEmbeddedFiles in NAMESPACE.
string(REPLACE "," ";" FILES "${FILES}")
set(arrays "")
set(rows "")
set(number 0)
foreach(file IN LISTS FILES)
  file(READ "${FOLDER}/${file}" bytes HEX)
  file(SHA256 "${FOLDER}/${file}" digest)
  string(SUBSTRING "${digest}" 0 32 tag)
  string(LENGTH "${bytes}" length)
  math(EXPR size "${length} / 2")
  # Sixteen bytes a line; no line is longer than a compiler takes.
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(REGEX REPLACE
    "(................................................................................)" "\\1\n" bytes "${bytes}")
  string(APPEND arrays "constexpr unsigned char kFile${number}[] = {\n${bytes}};\n")
  string(APPEND rows
    "    {\"${file}\", {reinterpret_cast<const char*>(kFile${number}), ${size}}, \"\\\"${tag}\\\"\"},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUTPUT}" "// Made by cmake/embed_files.cmake; do not edit.
#include \"${HEADER}\"

namespace ${NAMESPACE} {
namespace {
${arrays}const EmbeddedFile kFiles[] = {
${rows}};
}  // namespace

std::span<const EmbeddedFile> EmbeddedFiles() {
  return kFiles;
}

}  // namespace ${NAMESPACE}
")
