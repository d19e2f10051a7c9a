// assay/corpus/index.h: passages, postings and vectors of a set of documents, in memory or on disk.
// Room: corpus (uses core, text, embed).  Threads: an Index is immutable and may be shared.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/corpus/bm25.h"
#include "assay/corpus/documents.h"
#include "assay/corpus/passage.h"
#include "assay/embed/encoder.h"

namespace assay::corpus {

inline constexpr std::uint32_t kIndexFormatVersion = 1;  // docs/formats/index.md

// A 128-bit hash over what is indexed and how: equal versions give equal results, so a verdict may
// be cached under it. Independent of path of the index, time stamps and machine.
struct IndexVersion {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const IndexVersion&, const IndexVersion&) = default;
};

struct IndexedFile {
  std::string_view path;  // as Passage::file
  Format format = Format::kText;
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;
  std::uint32_t first_passage = 0;
  std::uint32_t passage_count = 0;
};

// The vectors of all passages: int8 rows with one scale each, or none.
struct PassageVectors {
  std::span<const std::int8_t> values;  // [passages * dim], row-major
  std::span<const float> scales;        // [passages]; value * scale ~ component
  std::uint32_t dim = 0;                // 0: the index has no vectors
};

// A text that is indexed without a file.
struct TextSource {
  std::string_view name;  // becomes Passage::file
  std::string_view text;
  Format format = Format::kText;
};

class Index {
 public:
  // Opens an index file by mmap in O(passages) time without reading its texts. Files of at most
  // kFullCheckBytes are checked whole by checksum, larger ones in their header and structure;
  // Verify() checks all. A damaged file can never make a later call read outside of it. Errors:
  // kNotFound; kDataLoss (damaged, names the section); kFailedPrecondition (another format version,
  // byte order or analysis); all name the path and say what to do.
  static constexpr std::uint64_t kFullCheckBytes = 8ull << 20;
  [[nodiscard]] static Result<std::shared_ptr<const Index>> Open(core::FileSystem& files,
                                                                 const std::string& path);

  // Indexes texts in memory: about 0.1 ms for 500 words without an encoder. `encoder` may be null.
  // Errors: kInvalidArgument where no text has a sentence; those of the encoder.
  [[nodiscard]] static Result<std::shared_ptr<const Index>> FromTexts(
      std::span<const TextSource> sources, const embed::Encoder* encoder = nullptr);

  // The same for one passage per given sentence, in their order, whatever their length.
  [[nodiscard]] static Result<std::shared_ptr<const Index>> FromSentences(
      std::span<const std::string_view> sentences, const embed::Encoder* encoder = nullptr);

  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  [[nodiscard]] IndexVersion version() const;
  [[nodiscard]] std::uint32_t passage_count() const;
  [[nodiscard]] std::uint32_t file_count() const;
  [[nodiscard]] std::string_view encoder_name() const;  // empty: no vectors
  [[nodiscard]] IndexedFile file(std::uint32_t file_id) const;
  [[nodiscard]] Passage passage(std::uint32_t id) const;  // Requires: id < passage_count()
  // Requires: i < passage(id).sentence_count.
  [[nodiscard]] PassageSentence sentence(std::uint32_t id, std::uint32_t i) const;
  [[nodiscard]] const Bm25View& bm25() const;
  [[nodiscard]] PassageVectors vectors() const;
  [[nodiscard]] std::string_view image() const;  // the bytes as on disk

  // Checks every section's checksum. Errors: kDataLoss.
  [[nodiscard]] Result<void> Verify() const;

 private:
  friend class IndexAccess;  // store/image_internal.h
  Index();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace assay::corpus
