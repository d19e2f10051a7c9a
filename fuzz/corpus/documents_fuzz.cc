// Every reader of text formats: the first byte names the format, the rest is the file. Each
// sentence must lie inside of its passage, and each place inside of the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "assay/corpus/index.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::corpus;
  constexpr std::size_t kMaxBytes = 1 << 16;  // larger files repeat what smaller ones do
  if (size < 1 || size > kMaxBytes) return 0;
  constexpr Format kFormats[] = {Format::kText, Format::kMarkdown, Format::kHtml,
                                 Format::kCsv,  Format::kJsonl,    Format::kJson};
  const Format format = kFormats[data[0] % 6];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const TextSource source{"fuzz", bytes, format};
  const auto index = Index::FromTexts({&source, 1});
  if (!index) return 0;
  const bool converted = bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
  for (std::uint32_t p = 0; p < (*index)->passage_count(); ++p) {
    const Passage passage = (*index)->passage(p);
    for (std::uint32_t s = 0; s < passage.sentence_count; ++s) {
      const PassageSentence sentence = (*index)->sentence(p, s);
      if (sentence.text.end > passage.text.size() || sentence.text.empty()) std::abort();
      if (!converted && sentence.source.bytes.end > bytes.size()) std::abort();
      if (sentence.source.line == 0) std::abort();
    }
  }
  return 0;
}
