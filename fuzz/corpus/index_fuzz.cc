// The index reader. With an even first byte the checksums are made right, so that the checks behind
// them are reached. Whatever opens must be readable and searchable.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "assay/corpus/search.h"

#include "store/image_internal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::corpus;
  if (size < 1) return 0;
  std::string image(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) ForgeChecksumsForTest(image);
  const auto index = IndexAccess::FromImage(std::move(image), "fuzz");
  if (!index) return 0;
  std::size_t bytes = 0;
  for (std::uint32_t p = 0; p < (*index)->passage_count(); ++p) {
    const Passage passage = (*index)->passage(p);
    for (const char c : passage.text) bytes += static_cast<unsigned char>(c);
    for (std::uint32_t s = 0; s < passage.sentence_count; ++s) {
      bytes += (*index)->sentence(p, s).text.of(passage.text).size();
    }
  }
  // Never so large; using the sum keeps the reads.
  if (bytes == SIZE_MAX) std::abort();
  auto retriever = Retriever::Create(*index, nullptr);
  if (!retriever) return 0;
  return retriever->Retrieve("office opens at nine ten years warranty", 5) ? 0 : 1;
}
