#include "store/draft.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "assay/core/format/bytes.h"
#include "assay/core/hash.h"
#include "assay/corpus/analysis.h"
#include "assay/vector/top_k.h"

#include "passages/chunker.h"
#include "store/image_internal.h"

namespace assay::corpus {
namespace {

constexpr std::size_t kEncodeBatch = 256;

// Puts sections behind a header.
class ImageWriter {
 public:
  ImageWriter() : image_(sizeof(IndexHeader), '\0') {}

  void Add(SectionId id, std::string_view bytes) {
    image_.resize((image_.size() + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment);
    SectionRecord& section = header_.sections[static_cast<std::size_t>(id)];
    section = {static_cast<std::uint32_t>(id), Checksum(bytes), image_.size(), bytes.size()};
    image_.append(bytes);
  }

  std::string Finish(IndexVersion version) {
    header_.magic = kIndexMagic;
    header_.byte_order = kByteOrderMark;
    header_.format_version = kIndexFormatVersion;
    header_.file_bytes = image_.size();
    header_.version_high = version.high;
    header_.version_low = version.low;
    header_.analysis_version = kAnalysisVersion;
    header_.checksum = Checksum(core::BytesOf(header_).substr(0, offsetof(IndexHeader, checksum)));
    std::memcpy(image_.data(), &header_, sizeof(header_));
    return std::move(image_);
  }

  void Reserve(std::size_t bytes) { image_.reserve(bytes); }

 private:
  IndexHeader header_{};
  std::string image_;
};

}  // namespace

IndexDraft::Place IndexDraft::AddString(std::string_view text) {
  const Place place{strings_.size(), static_cast<std::uint32_t>(text.size())};
  strings_.append(text);
  return place;
}

void IndexDraft::AddDocument(const Document& document, FileRecord file) {
  std::vector<PassageDraft> drafts;
  CutPassages(document, drafts);
  const Place path = AddString(document.path);
  file.path_begin = path.begin;
  file.path_bytes = path.size_bytes;
  file.format = static_cast<std::uint32_t>(document.format);
  file.first_passage = passage_count();
  file.passage_count = static_cast<std::uint32_t>(drafts.size());
  const auto file_id = static_cast<std::uint32_t>(files_.size());
  files_.push_back(file);
  std::uint32_t last_heading = kNoHeading;
  Place heading{0, 0};
  for (const PassageDraft& draft : drafts) {
    if (draft.heading != last_heading) {
      last_heading = draft.heading;
      heading =
          draft.heading == kNoHeading ? Place{0, 0} : AddString(document.headings[draft.heading]);
    }
    const Place text = AddString(draft.text);
    missing_.push_back(passage_count());
    passages_.push_back({.text_begin = text.begin,
                         .heading_begin = heading.begin,
                         .text_bytes = text.size_bytes,
                         .heading_bytes = heading.size_bytes,
                         .file = file_id,
                         .first_sentence = static_cast<std::uint32_t>(sentences_.size()),
                         .sentence_count = static_cast<std::uint32_t>(draft.sentences.size()),
                         .source_begin = draft.source.bytes.begin,
                         .source_end = draft.source.bytes.end,
                         .line = draft.source.line,
                         .page = draft.source.page,
                         .reserved = 0});
    for (const PassageSentence& sentence : draft.sentences) {
      sentences_.push_back({.text_begin = sentence.text.begin,
                            .text_end = sentence.text.end,
                            .source_begin = sentence.source.bytes.begin,
                            .source_end = sentence.source.bytes.end,
                            .line = sentence.source.line,
                            .page_and_kind = sentence.source.page << 8 |
                                             static_cast<std::uint32_t>(sentence.block)});
    }
  }
}

void IndexDraft::AddSentence(std::string_view text) {
  if (files_.empty()) files_.push_back({});
  ++files_[0].passage_count;
  const Place place = AddString(text);
  missing_.push_back(passage_count());
  const auto row = static_cast<std::uint32_t>(sentences_.size());
  passages_.push_back({.text_begin = place.begin,
                       .heading_begin = 0,
                       .text_bytes = place.size_bytes,
                       .heading_bytes = 0,
                       .file = 0,
                       .first_sentence = row,
                       .sentence_count = 1,
                       .source_begin = 0,
                       .source_end = place.size_bytes,
                       .line = row + 1,
                       .page = 0,
                       .reserved = 0});
  sentences_.push_back({.text_begin = 0,
                        .text_end = place.size_bytes,
                        .source_begin = 0,
                        .source_end = place.size_bytes,
                        .line = row + 1,
                        .page_and_kind = 0});
}

void IndexDraft::CopyFile(const Index& old, std::uint32_t file_id, FileRecord file) {
  const FileRecord& before = IndexAccess::File(old, file_id);
  const std::string_view strings = IndexAccess::Strings(old);
  const Place path = AddString(strings.substr(before.path_begin, before.path_bytes));
  file.path_begin = path.begin;
  file.path_bytes = path.size_bytes;
  file.format = before.format;
  file.first_passage = passage_count();
  file.passage_count = before.passage_count;
  const auto id = static_cast<std::uint32_t>(files_.size());
  files_.push_back(file);
  const bool has_vectors = encoder_ != nullptr && old.encoder_name() == encoder_->name() &&
                           old.vectors().dim == encoder_->dim();
  std::uint64_t last_heading = ~std::uint64_t{0};
  Place heading{0, 0};
  for (std::uint32_t p = 0; p < before.passage_count; ++p) {
    PassageRecord passage = IndexAccess::PassageAt(old, before.first_passage + p);
    if (passage.heading_bytes == 0) {
      heading = {0, 0};
      last_heading = ~std::uint64_t{0};
    } else if (passage.heading_begin != last_heading) {
      last_heading = passage.heading_begin;
      heading = AddString(strings.substr(passage.heading_begin, passage.heading_bytes));
    }
    const std::uint32_t first = passage.first_sentence;
    passage.heading_begin = heading.begin;
    passage.text_begin = AddString(strings.substr(passage.text_begin, passage.text_bytes)).begin;
    passage.file = id;
    passage.first_sentence = static_cast<std::uint32_t>(sentences_.size());
    for (std::uint32_t s = 0; s < passage.sentence_count; ++s) {
      sentences_.push_back(IndexAccess::SentenceAt(old, first + s));
    }
    if (has_vectors) {
      const std::size_t dim = old.vectors().dim;
      vectors_.resize(passages_.size() * dim);
      scales_.resize(passages_.size());
      const auto row = old.vectors().values.subspan((before.first_passage + p) * dim, dim);
      vectors_.insert(vectors_.end(), row.begin(), row.end());
      scales_.push_back(old.vectors().scales[before.first_passage + p]);
    } else {
      missing_.push_back(passage_count());
    }
    passages_.push_back(passage);
  }
}

std::string_view IndexDraft::IndexedText(const PassageRecord& passage) {
  const std::string_view strings = strings_;
  const std::string_view text = strings.substr(passage.text_begin, passage.text_bytes);
  if (passage.heading_bytes == 0) return text;
  joined_.assign(strings.substr(passage.heading_begin, passage.heading_bytes));
  joined_ += "\n";
  joined_ += text;
  return joined_;
}

Result<void> IndexDraft::EncodeMissing(
    const std::function<void(const UpdateProgress&)>& on_progress) {
  if (encoder_ == nullptr) return {};
  const std::size_t dim = encoder_->dim();
  vectors_.resize(passages_.size() * dim);
  scales_.resize(passages_.size());
  std::vector<std::string> texts;
  std::vector<std::string_view> views;
  std::vector<float> rows;
  std::vector<std::int8_t> values;
  std::vector<float> scales;
  for (std::size_t from = 0; from < missing_.size(); from += kEncodeBatch) {
    const std::size_t count = std::min(kEncodeBatch, missing_.size() - from);
    texts.clear();
    for (std::size_t i = 0; i < count; ++i) {
      texts.emplace_back(IndexedText(passages_[missing_[from + i]]));
    }
    views.assign(texts.begin(), texts.end());
    rows.resize(count * dim);
    values.resize(count * dim);
    scales.resize(count);
    ASSAY_TRY(encoder_->Encode(views, rows));
    ASSAY_TRY(vector::QuantizeRows(rows, dim, values, scales));
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t row = missing_[from + i];
      std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(i * dim), dim,
                  vectors_.begin() + static_cast<std::ptrdiff_t>(row * dim));
      scales_[row] = scales[i];
    }
    if (on_progress) on_progress({"encoding", from + count, missing_.size()});
  }
  return {};
}

IndexVersion IndexDraft::HashContent() const {
  core::Hasher hasher;
  hasher.Add(fmt::format("{} {} {} ", kIndexFormatVersion, kAnalysisVersion, files_.size()));
  if (encoder_ != nullptr) hasher.Add(encoder_->name());
  for (const FileRecord& file : files_) {
    const std::array<std::uint64_t, 4> parts = {file.path_begin, file.path_bytes, file.format,
                                                file.first_passage};
    hasher.Add(core::BytesOfAll(parts));
  }
  hasher.Add(core::BytesOfAll(passages_));
  hasher.Add(core::BytesOfAll(sentences_));
  hasher.Add(strings_);
  const core::Hash128 hash = hasher.Digest128();
  return {hash.high, hash.low};
}

Result<std::string> IndexDraft::Finish(
    const std::function<void(const UpdateProgress&)>& on_progress) {
  ASSAY_TRY(EncodeMissing(on_progress));
  Bm25Memory postings;
  for (const PassageRecord& passage : passages_) postings.AddText(IndexedText(passage));
  const Bm25View view = postings.Finish();

  const std::string_view encoder = encoder_ == nullptr ? "" : encoder_->name();
  const MetaRecord meta{
      .passages = passage_count(),
      .files = static_cast<std::uint32_t>(files_.size()),
      .sentences = static_cast<std::uint32_t>(sentences_.size()),
      .dim = static_cast<std::uint32_t>(encoder_ == nullptr ? 0 : encoder_->dim()),
      .encoder_name_bytes = static_cast<std::uint32_t>(encoder.size()),
      .reserved = 0};
  std::string meta_bytes(core::BytesOf(meta));
  meta_bytes += encoder;
  ImageWriter writer;
  writer.Reserve(sizeof(IndexHeader) + strings_.size() + vectors_.size() + 8 * view.rows.size() +
                 56 * passages_.size() + 24 * sentences_.size() + 64 * view.terms.size());
  writer.Add(SectionId::kMeta, meta_bytes);
  writer.Add(SectionId::kFiles, core::BytesOfAll(files_));
  writer.Add(SectionId::kPassages, core::BytesOfAll(passages_));
  writer.Add(SectionId::kSentences, core::BytesOfAll(sentences_));
  writer.Add(SectionId::kStrings, strings_);
  writer.Add(SectionId::kTermSlots, core::BytesOfAll(view.slots));
  writer.Add(SectionId::kTerms, core::BytesOfAll(view.terms));
  writer.Add(SectionId::kTermNames, view.names);
  writer.Add(SectionId::kPostingRows, core::BytesOfAll(view.rows));
  writer.Add(SectionId::kImpacts, core::BytesOfAll(view.impacts));
  writer.Add(SectionId::kWindows, core::BytesOfAll(view.windows));
  writer.Add(SectionId::kVectors, core::BytesOfAll(vectors_));
  writer.Add(SectionId::kVectorScales, core::BytesOfAll(scales_));
  return writer.Finish(HashContent());
}

}  // namespace assay::corpus
