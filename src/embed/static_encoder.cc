#include "assay/embed/static_encoder.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "assay/text/wordpiece.h"

#include "static_kernels.h"
#include "token_table.h"

namespace assay::embed {
namespace {

constexpr std::uint64_t kMaxVocabularyBytes = 64 << 20;

class StaticEncoder : public Encoder {
 public:
  StaticEncoder(std::string name, std::unique_ptr<core::MappedFile> file,
                internal::TokenTable table, text::WordPiece tokenizer)
      : name_(std::move(name)),
        file_(std::move(file)),
        table_(table),
        tokenizer_(std::move(tokenizer)) {}

  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] std::size_t dim() const override { return table_.dim; }

  [[nodiscard]] Result<void> Encode(std::span<const std::string_view> texts,
                                    std::span<float> out) const override {
    if (out.size() != texts.size() * table_.dim) {
      return Fail(Code::kInvalidArgument, fmt::format("{} texts of {} dimensions into {} floats",
                                                      texts.size(), table_.dim, out.size()));
    }
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      ids.clear();
      tokenizer_.AppendPieces(texts[i], text::WordPiece::kNoLimit, ids);
      std::erase(ids, tokenizer_.unk_id());
      internal::SumRows(table_, ids, out.subspan(i * table_.dim, table_.dim));
    }
    return {};
  }

 private:
  std::string name_;
  std::unique_ptr<core::MappedFile> file_;
  internal::TokenTable table_;  // views file_
  text::WordPiece tokenizer_;
};

}  // namespace

Result<std::unique_ptr<Encoder>> OpenStaticEncoder(core::FileSystem& files,
                                                   const ModelFolder& model) {
  const auto in_file = [](Error error, const std::string& path) {
    return Fail(error.code, fmt::format("{}: {}", path, error.message));
  };
  const std::string table_path = model.path + "/table.bin";
  const std::string vocabulary_path = model.path + "/vocab.txt";
  ASSAY_ASSIGN(std::unique_ptr<core::MappedFile> file, files.Map(table_path));
  Result<internal::TokenTable> table = internal::ReadTokenTable(file->bytes());
  if (!table) return in_file(std::move(table).error(), table_path);
  ASSAY_ASSIGN(const std::string vocabulary, files.ReadFile(vocabulary_path, kMaxVocabularyBytes));
  Result<text::WordPiece> tokenizer = text::WordPiece::FromVocabulary(vocabulary);
  if (!tokenizer) return in_file(std::move(tokenizer).error(), vocabulary_path);
  if (tokenizer->vocabulary_size() != table->rows) {
    return Fail(Code::kDataLoss,
                fmt::format("{}: {} rows for a vocabulary of {} tokens", table_path, table->rows,
                            tokenizer->vocabulary_size()));
  }
  return std::make_unique<StaticEncoder>(model.name, std::move(file), *table,
                                         *std::move(tokenizer));
}

}  // namespace assay::embed
