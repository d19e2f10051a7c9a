// The bytes of an index file, as docs/formats/index.md describes them.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "assay/core/format/bytes.h"
#include "assay/core/hash.h"

namespace assay::corpus {

// XXH3 reads 10 GB/s and more, so that a whole index of 8 MiB is checked within its opening.
[[nodiscard]] inline std::uint32_t Checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(core::HashBytes64(bytes));
}

inline constexpr std::array<char, 8> kIndexMagic = {'A', 'S', 'S', 'A', 'Y', 'I', 'D', 'X'};
inline constexpr std::uint32_t kByteOrderMark = 0x01020304;  // read back as it was written

enum class SectionId : std::uint32_t {
  kMeta,          // one MetaRecord, then the encoder's name
  kFiles,         // FileRecord[]
  kPassages,      // PassageRecord[]
  kSentences,     // SentenceRecord[]
  kStrings,       // paths, heading paths and passage texts
  kTermSlots,     // uint32[], a power of two
  kTerms,         // Bm25Term[]
  kTermNames,     // bytes
  kPostingRows,   // uint32[]
  kImpacts,       // uint32[]
  kWindows,       // Bm25Window[]
  kVectors,       // int8[passages * dim]
  kVectorScales,  // float[passages]
};
inline constexpr std::size_t kSectionCount = 13;
inline constexpr std::size_t kSectionAlignment = 64;

struct SectionRecord {
  std::uint32_t id;
  std::uint32_t checksum;  // low half of XXH3-64 of the section's bytes
  std::uint64_t begin;
  std::uint64_t size_bytes;
};
static_assert(sizeof(SectionRecord) == 24);

struct IndexHeader {
  std::array<char, 8> magic;
  std::uint32_t byte_order;
  std::uint32_t format_version;
  std::uint64_t file_bytes;
  std::uint64_t version_high;
  std::uint64_t version_low;
  std::array<SectionRecord, kSectionCount> sections;
  std::uint32_t analysis_version;
  std::uint32_t checksum;  // low half of XXH3-64 of the header's bytes before this field
};
static_assert(sizeof(IndexHeader) == 40 + 24 * kSectionCount + 8);
static_assert(std::is_trivially_copyable_v<IndexHeader>);

struct MetaRecord {
  std::uint32_t passages;
  std::uint32_t files;
  std::uint32_t sentences;
  std::uint32_t dim;  // 0: no vectors
  std::uint32_t encoder_name_bytes;
  std::uint32_t reserved;
};
static_assert(sizeof(MetaRecord) == 24);

struct FileRecord {
  std::uint64_t path_begin = 0;  // in the strings
  std::uint32_t path_bytes = 0;
  std::uint32_t format = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;
  std::uint64_t hash_high = 0;  // XXH3-128 of the raw file
  std::uint64_t hash_low = 0;
  std::uint32_t first_passage = 0;
  std::uint32_t passage_count = 0;
  std::uint32_t recheck =
      0;  // 1: changed so shortly before it was read that its time proves nothing
  std::uint32_t reserved = 0;
};
static_assert(sizeof(FileRecord) == 64);

struct PassageRecord {
  std::uint64_t text_begin;  // in the strings
  std::uint64_t heading_begin;
  std::uint32_t text_bytes;
  std::uint32_t heading_bytes;
  std::uint32_t file;
  std::uint32_t first_sentence;
  std::uint32_t sentence_count;
  std::uint32_t source_begin;
  std::uint32_t source_end;
  std::uint32_t line;
  std::uint32_t page;
  std::uint32_t reserved;
};
static_assert(sizeof(PassageRecord) == 56);

struct SentenceRecord {
  std::uint32_t text_begin;  // in the passage's text
  std::uint32_t text_end;
  std::uint32_t source_begin;
  std::uint32_t source_end;
  std::uint32_t line;
  std::uint32_t page_and_kind;  // page << 8 | BlockKind
};
static_assert(sizeof(SentenceRecord) == 24);

// Makes the checksums of an image right again, so that tests and fuzzing reach what lies behind
// them.
inline void ForgeChecksumsForTest(std::string& image) {
  IndexHeader header;
  if (image.size() < sizeof(header)) return;
  std::memcpy(&header, image.data(), sizeof(header));
  for (SectionRecord& section : header.sections) {
    if (section.begin > image.size() || section.size_bytes > image.size() - section.begin) continue;
    section.checksum = Checksum(std::string_view(image).substr(section.begin, section.size_bytes));
  }
  header.checksum = Checksum(core::BytesOf(header).substr(0, offsetof(IndexHeader, checksum)));
  std::memcpy(image.data(), &header, sizeof(header));
}

}  // namespace assay::corpus
