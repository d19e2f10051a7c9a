#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "assay/embed/provider.h"
#include "assay/text/wordpiece.h"

namespace assay::embed {
namespace {

constexpr std::size_t kBytesPerToken = 4;
constexpr std::uint64_t kMaxVocabularyBytes = 64 << 20;

class ByteCounter final : public TokenCounter {
 public:
  [[nodiscard]] std::size_t Count(std::string_view text) const override {
    return std::max<std::size_t>(1, (text.size() + kBytesPerToken - 1) / kBytesPerToken);
  }
};

class WordPieceCounter final : public TokenCounter {
 public:
  explicit WordPieceCounter(text::WordPiece tokenizer) : tokenizer_(std::move(tokenizer)) {}
  [[nodiscard]] std::size_t Count(std::string_view text) const override {
    thread_local std::vector<std::int32_t> ids;
    ids.clear();
    tokenizer_.AppendPieces(text, text::WordPiece::kNoLimit, ids);
    return std::max<std::size_t>(1, ids.size());
  }

 private:
  text::WordPiece tokenizer_;
};

}  // namespace

std::unique_ptr<TokenCounter> CountBytesByFour() {
  return std::make_unique<ByteCounter>();
}

Result<std::unique_ptr<TokenCounter>> CountWordPieces(core::FileSystem& files,
                                                      const ModelFolder& model) {
  const std::string path = model.path + "/vocab.txt";
  ASSAY_ASSIGN(const std::string vocabulary, files.ReadFile(path, kMaxVocabularyBytes));
  Result<text::WordPiece> tokenizer = text::WordPiece::FromVocabulary(vocabulary);
  if (!tokenizer) {
    return Fail(tokenizer.error().code, fmt::format("{}: {}", path, tokenizer.error().message));
  }
  return std::make_unique<WordPieceCounter>(*std::move(tokenizer));
}

}  // namespace assay::embed
