// An index that is being put together, and its way into bytes.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/corpus/documents.h"
#include "assay/corpus/index.h"
#include "assay/corpus/update.h"
#include "assay/embed/encoder.h"

#include "store/format_internal.h"

namespace assay::corpus {

class IndexDraft {
 public:
  // Vectors are made by `encoder`; null makes none. The encoder must outlive the draft.
  explicit IndexDraft(const embed::Encoder* encoder) : encoder_(encoder) {}

  // `file` needs path, passages and format filled in by this call only.
  void AddDocument(const Document& document, FileRecord file);
  // One passage with one sentence.
  void AddSentence(std::string_view text);
  // The same passages, and vectors where `old` was made by the same encoder.
  void CopyFile(const Index& old, std::uint32_t file_id, FileRecord file);

  [[nodiscard]] std::uint32_t passage_count() const {
    return static_cast<std::uint32_t>(passages_.size());
  }
  // The index's bytes. Errors: those of the encoder.
  [[nodiscard]] Result<std::string> Finish(
      const std::function<void(const UpdateProgress&)>& on_progress);

 private:
  struct Place {
    std::uint64_t begin;
    std::uint32_t size_bytes;
  };
  Place AddString(std::string_view text);
  [[nodiscard]] std::string_view IndexedText(const PassageRecord& passage);
  [[nodiscard]] Result<void> EncodeMissing(
      const std::function<void(const UpdateProgress&)>& on_progress);
  [[nodiscard]] IndexVersion HashContent() const;

  const embed::Encoder* encoder_;
  std::vector<FileRecord> files_;
  std::vector<PassageRecord> passages_;
  std::vector<SentenceRecord> sentences_;
  std::string strings_;
  std::string joined_;                  // of IndexedText
  std::vector<std::int8_t> vectors_;    // [passages * dim]
  std::vector<float> scales_;           // [passages]
  std::vector<std::uint32_t> missing_;  // passages without a vector yet
};

}  // namespace assay::corpus
