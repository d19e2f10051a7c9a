#include "parse_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return assay::config::FuzzParse(data, size, assay::config::Syntax::kYaml);
}
