#include "assay/corpus/index.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "assay/core/hash.h"
#include "assay/corpus/analysis.h"

#include "store/draft.h"
#include "store/image_internal.h"

namespace assay::corpus {

struct Index::Parts {
  std::unique_ptr<core::MappedFile> mapped;  // or
  std::string owned;
  std::string name;  // path, for errors
  std::string_view image;
  IndexHeader header{};
  MetaRecord meta{};
  std::string_view encoder_name;
  std::span<const FileRecord> files;
  std::span<const PassageRecord> passages;
  std::span<const SentenceRecord> sentences;
  std::string_view strings;
  Bm25View bm25;
  PassageVectors vectors;

  [[nodiscard]] std::unexpected<Error> Damaged(std::string_view what) const {
    return Fail(Code::kDataLoss,
                fmt::format("{}: the index is damaged ({}); build it again with `assay index`",
                            name, what));
  }

  [[nodiscard]] std::string_view Section(SectionId id) const {
    const SectionRecord& section = header.sections[static_cast<std::size_t>(id)];
    return image.substr(section.begin, section.size_bytes);
  }

  // The section as records. Requires: CheckSections().
  template <typename T>
  [[nodiscard]] std::span<const T> Records(SectionId id) const {
    const std::string_view bytes = Section(id);
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

  [[nodiscard]] Result<void> CheckHeader();
  [[nodiscard]] Result<void> CheckSections() const;
  [[nodiscard]] Result<void> CheckSums() const;
  [[nodiscard]] Result<void> CheckRecords() const;
  void Bind();
  [[nodiscard]] Result<void> Load();
};

Result<void> Index::Parts::CheckHeader() {
  if (image.size() < sizeof(header)) return Damaged("it is cut");
  std::memcpy(&header, image.data(), sizeof(header));
  if (header.magic != kIndexMagic) return Damaged("it does not start as an index does");
  if (header.byte_order != kByteOrderMark) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("{}: was written on a machine of another byte order; build it again "
                            "with `assay index`",
                            name));
  }
  if (header.format_version != kIndexFormatVersion) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("{}: has format version {}, this program reads version {}; build it "
                            "again with `assay index`",
                            name, header.format_version, kIndexFormatVersion));
  }
  if (Checksum(image.substr(0, offsetof(IndexHeader, checksum))) != header.checksum) {
    return Damaged("its header fails the checksum");
  }
  if (header.analysis_version != kAnalysisVersion) {
    return Fail(
        Code::kFailedPrecondition,
        fmt::format("{}: was made by another text analysis ({}, this program has {}); build "
                    "it again with `assay index`",
                    name, header.analysis_version, kAnalysisVersion));
  }
  if (header.file_bytes != image.size()) return Damaged("its size is wrong");
  return {};
}

Result<void> Index::Parts::CheckSections() const {
  constexpr std::array<std::size_t, kSectionCount> kRecordBytes = {1,
                                                                   sizeof(FileRecord),
                                                                   sizeof(PassageRecord),
                                                                   sizeof(SentenceRecord),
                                                                   1,
                                                                   4,
                                                                   sizeof(Bm25Term),
                                                                   1,
                                                                   4,
                                                                   4,
                                                                   sizeof(Bm25Window),
                                                                   1,
                                                                   4};
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    const SectionRecord& section = header.sections[i];
    if (section.id != i || section.begin % kSectionAlignment != 0 || section.begin > image.size() ||
        section.size_bytes > image.size() - section.begin ||
        section.size_bytes % kRecordBytes[i] != 0) {
      return Damaged(fmt::format("section {} lies wrong", i));
    }
  }
  if (Section(SectionId::kMeta).size() < sizeof(MetaRecord)) return Damaged("no description");
  return {};
}

Result<void> Index::Parts::CheckSums() const {
  for (const SectionRecord& section : header.sections) {
    if (Checksum(image.substr(section.begin, section.size_bytes)) != section.checksum) {
      return Damaged(fmt::format("section {} fails its checksum", section.id));
    }
  }
  return {};
}

void Index::Parts::Bind() {
  const std::string_view description = Section(SectionId::kMeta);
  std::memcpy(&meta, description.data(), sizeof(meta));
  encoder_name = description.substr(sizeof(meta));
  files = Records<FileRecord>(SectionId::kFiles);
  passages = Records<PassageRecord>(SectionId::kPassages);
  sentences = Records<SentenceRecord>(SectionId::kSentences);
  strings = Section(SectionId::kStrings);
  bm25 = Bm25View{.slots = Records<std::uint32_t>(SectionId::kTermSlots),
                  .terms = Records<Bm25Term>(SectionId::kTerms),
                  .names = Section(SectionId::kTermNames),
                  .rows = Records<std::uint32_t>(SectionId::kPostingRows),
                  .impacts = Records<std::uint32_t>(SectionId::kImpacts),
                  .windows = Records<Bm25Window>(SectionId::kWindows),
                  .row_count = static_cast<std::uint32_t>(passages.size())};
  vectors = {.values = Records<std::int8_t>(SectionId::kVectors),
             .scales = Records<float>(SectionId::kVectorScales),
             .dim = meta.dim};
}

Result<void> Index::Parts::CheckRecords() const {
  if (meta.files != files.size() || meta.passages != passages.size() ||
      meta.sentences != sentences.size() || meta.encoder_name_bytes != encoder_name.size()) {
    return Damaged("its counts do not fit");
  }
  if (vectors.values.size() != std::uint64_t{meta.dim} * passages.size() ||
      vectors.scales.size() != (meta.dim == 0 ? 0 : passages.size())) {
    return Damaged("its vectors do not fit");
  }
  const auto outside = [](std::uint64_t begin, std::uint64_t size, std::uint64_t whole) {
    return begin > whole || size > whole - begin;
  };
  for (const FileRecord& file : files) {
    if (outside(file.path_begin, file.path_bytes, strings.size()) ||
        outside(file.first_passage, file.passage_count, passages.size()) ||
        file.format > static_cast<std::uint32_t>(Format::kJson)) {
      return Damaged("a file points outside");
    }
  }
  for (const PassageRecord& passage : passages) {
    if (outside(passage.text_begin, passage.text_bytes, strings.size()) ||
        outside(passage.heading_begin, passage.heading_bytes, strings.size()) ||
        outside(passage.first_sentence, passage.sentence_count, sentences.size()) ||
        passage.file >= files.size() || passage.source_begin > passage.source_end) {
      return Damaged("a passage points outside");
    }
    for (const SentenceRecord& sentence :
         sentences.subspan(passage.first_sentence, passage.sentence_count)) {
      if (sentence.text_begin > sentence.text_end || sentence.text_end > passage.text_bytes ||
          sentence.source_begin > sentence.source_end ||
          (sentence.page_and_kind & 0xFF) > static_cast<std::uint32_t>(text::BlockKind::kCode)) {
        return Damaged("a sentence points outside");
      }
    }
  }
  return {};
}

Result<void> Index::Parts::Load() {
  ASSAY_TRY(CheckHeader());
  ASSAY_TRY(CheckSections());
  if (image.size() <= kFullCheckBytes) ASSAY_TRY(CheckSums());
  Bind();
  ASSAY_TRY(CheckRecords());
  if (const auto bounds = bm25.CheckBounds(); !bounds) return Damaged(bounds.error().message);
  return {};
}

Index::Index() : parts_(std::make_unique<Parts>()) {}
Index::~Index() = default;

Result<std::shared_ptr<const Index>> IndexAccess::FromImage(std::string image,
                                                            std::string_view name) {
  std::shared_ptr<Index> index(new Index());
  index->parts_->name = name;
  index->parts_->owned = std::move(image);
  index->parts_->image = index->parts_->owned;
  ASSAY_TRY(index->parts_->Load());
  return index;
}

Result<std::shared_ptr<const Index>> IndexAccess::FromMapped(
    std::unique_ptr<core::MappedFile> mapped, std::string_view path) {
  std::shared_ptr<Index> index(new Index());
  index->parts_->name = path;
  index->parts_->mapped = std::move(mapped);
  index->parts_->image = index->parts_->mapped->bytes();
  ASSAY_TRY(index->parts_->Load());
  return index;
}

const FileRecord& IndexAccess::File(const Index& index, std::uint32_t file_id) {
  return index.parts_->files[file_id];
}
const PassageRecord& IndexAccess::PassageAt(const Index& index, std::uint32_t id) {
  return index.parts_->passages[id];
}
const SentenceRecord& IndexAccess::SentenceAt(const Index& index, std::uint32_t row) {
  return index.parts_->sentences[row];
}
std::string_view IndexAccess::Strings(const Index& index) {
  return index.parts_->strings;
}

Result<std::shared_ptr<const Index>> Index::Open(core::FileSystem& files, const std::string& path) {
  ASSAY_ASSIGN(std::unique_ptr<core::MappedFile> mapped, files.Map(path));
  return IndexAccess::FromMapped(std::move(mapped), path);
}

Result<std::shared_ptr<const Index>> Index::FromTexts(std::span<const TextSource> sources,
                                                      const embed::Encoder* encoder) {
  IndexDraft draft(encoder);
  for (const TextSource& source : sources) {
    auto document =
        ParseDocument(std::string(source.name), source.format, std::string(source.text));
    if (!document && sources.size() == 1) return std::unexpected(std::move(document).error());
    if (document) draft.AddDocument(*document, FileRecord{.size_bytes = source.text.size()});
  }
  if (draft.passage_count() == 0) {
    return Fail(Code::kInvalidArgument, "none of the given texts holds a sentence");
  }
  ASSAY_ASSIGN(std::string image, draft.Finish({}));
  return IndexAccess::FromImage(std::move(image), "(memory)");
}

Result<std::shared_ptr<const Index>> Index::FromSentences(
    std::span<const std::string_view> sentences, const embed::Encoder* encoder) {
  if (sentences.empty()) return Fail(Code::kInvalidArgument, "there is no sentence to index");
  IndexDraft draft(encoder);
  for (const std::string_view sentence : sentences) draft.AddSentence(sentence);
  ASSAY_ASSIGN(std::string image, draft.Finish({}));
  return IndexAccess::FromImage(std::move(image), "(memory)");
}

IndexVersion Index::version() const {
  return {parts_->header.version_high, parts_->header.version_low};
}
std::uint32_t Index::passage_count() const {
  return parts_->meta.passages;
}
std::uint32_t Index::file_count() const {
  return parts_->meta.files;
}
std::string_view Index::encoder_name() const {
  return parts_->encoder_name;
}
const Bm25View& Index::bm25() const {
  return parts_->bm25;
}
PassageVectors Index::vectors() const {
  return parts_->vectors;
}
std::string_view Index::image() const {
  return parts_->image;
}

IndexedFile Index::file(std::uint32_t file_id) const {
  const FileRecord& file = parts_->files[file_id];
  return {.path = parts_->strings.substr(file.path_begin, file.path_bytes),
          .format = static_cast<Format>(file.format),
          .size_bytes = file.size_bytes,
          .modified_ns = file.modified_ns,
          .first_passage = file.first_passage,
          .passage_count = file.passage_count};
}

Passage Index::passage(std::uint32_t id) const {
  const PassageRecord& passage = parts_->passages[id];
  const FileRecord& file = parts_->files[passage.file];
  return {.id = id,
          .file_id = passage.file,
          .file = parts_->strings.substr(file.path_begin, file.path_bytes),
          .heading_path = parts_->strings.substr(passage.heading_begin, passage.heading_bytes),
          .text = parts_->strings.substr(passage.text_begin, passage.text_bytes),
          .source = {.bytes = {passage.source_begin, passage.source_end},
                     .line = passage.line,
                     .page = passage.page},
          .sentence_count = passage.sentence_count};
}

PassageSentence Index::sentence(std::uint32_t id, std::uint32_t i) const {
  const SentenceRecord& sentence = parts_->sentences[parts_->passages[id].first_sentence + i];
  return {.text = {sentence.text_begin, sentence.text_end},
          .source = {.bytes = {sentence.source_begin, sentence.source_end},
                     .line = sentence.line,
                     .page = sentence.page_and_kind >> 8},
          .block = static_cast<text::BlockKind>(sentence.page_and_kind & 0xFF)};
}

Result<void> Index::Verify() const {
  return parts_->CheckSums();
}

}  // namespace assay::corpus
