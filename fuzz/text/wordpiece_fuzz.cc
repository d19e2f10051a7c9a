// Ids of any bytes: known ids only, the limit is kept, and a limited result is a prefix of the
// whole.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "assay/text/wordpiece.h"

namespace {

constexpr std::string_view kVocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nab\nabc\n##a\n##b\n##bc\n##1\n1\n.\n[\n]\nthe\n"
    "the-longest-word-of-the-list\ninternational\n##isation\n\u4E2D\n\u1100\n##\u1161\n##\u0438\n";

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using assay::text::WordPiece;
  static const WordPiece tokenizer = *WordPiece::FromVocabulary(kVocabulary);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::int32_t> whole;
  Require(!tokenizer.AppendPieces(text, WordPiece::kNoLimit, whole));
  for (const std::int32_t id : whole) {
    Require(id >= 0 && static_cast<std::size_t>(id) < tokenizer.vocabulary_size());
  }
  const std::size_t limit = size % 17;
  std::vector<std::int32_t> limited;
  const bool cut = tokenizer.Encode(text, limit + 2, limited);
  Require(cut == (whole.size() > limit));
  Require(limited.size() == std::min(limit, whole.size()) + 2);
  Require(std::equal(limited.begin() + 1, limited.end() - 1, whole.begin()));
  // The vocabulary file itself is outside data too.
  if (const auto other = WordPiece::FromVocabulary(text)) {
    whole.clear();
    other->Encode(text, WordPiece::kNoLimit, whole);
  }
  return 0;
}
