// The PDF reader's own code behind poppler, on small files: poppler is slow on large broken ones.
#include <cstddef>
#include <cstdint>
#include <string>

#include "assay/corpus/documents.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMaxBytes = 4096;
  if (size > kMaxBytes) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto document = assay::corpus::ParseDocument("fuzz", assay::corpus::Format::kPdf, bytes);
  return document && document->blocks.empty() ? 1 : 0;
}
