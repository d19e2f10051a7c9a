// The file of a semantic cache: taking it over, appending to it, writing it anew.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "assay/core/clock.h"
#include "assay/core/format/bytes.h"

#include "semantic/state_internal.h"

namespace assay::cache {
namespace {

using internal::CountRecord;
using internal::Entry;
using internal::InsertRecord;
using internal::LearnedRecord;
using internal::LearnRecord;
using internal::SemanticFile;
using internal::SemanticRecord;

std::uint64_t SizeOf(std::string_view payload) {
  return core::kRecordHeaderBytes + (payload.size() + 7) / 8 * 8;
}

internal::HeadRecord HeadOf(const embed::Encoder& fast, const embed::Encoder& precise) {
  return {.fast = std::string(fast.name()),
          .precise = std::string(precise.name()),
          .fast_dim = static_cast<std::uint32_t>(fast.dim()),
          .precise_dim = static_cast<std::uint32_t>(precise.dim()),
          .model = core::HashBytes64(core::BytesOfAll(ShippedWeights()))};
}

// What a file said, before it is taken over.
struct Found {
  std::optional<internal::HeadRecord> head;
  std::map<std::uint64_t, InsertRecord> entries;
  std::vector<SemanticRecord> learned;  // CountRecord, LearnRecord and LearnedRecord in order
  std::uint64_t next_entry = 1;
  std::string note;
};

void AddLearned(SemanticRecord record, Found& found) {
  if (const auto* learn = std::get_if<LearnRecord>(&record)) {
    if (const auto it = found.entries.find(learn->best_entry); it != found.entries.end()) {
      ++(learn->best_same ? it->second.right : it->second.wrong);
    }
  }
  if (const auto* all = std::get_if<LearnedRecord>(&record)) {
    found.next_entry = std::max(found.next_entry, all->next_entry);
    found.learned.clear();  // it holds all that came before
  }
  found.learned.push_back(std::move(record));
}

Result<void> Add(std::string_view payload, Found& found) {
  ASSAY_ASSIGN(SemanticRecord record, internal::Decode(payload));
  if (auto* head = std::get_if<internal::HeadRecord>(&record)) {
    if (found.head) return Fail(Code::kDataLoss, "a second head");
    found.head = std::move(*head);
    return {};
  }
  if (!found.head) return Fail(Code::kDataLoss, "the first record is no head");
  if (auto* insert = std::get_if<InsertRecord>(&record)) {
    if (insert->fast.values.size() != found.head->fast_dim ||
        insert->precise.values.size() != found.head->precise_dim) {
      return Fail(Code::kDataLoss, "a vector of another length");
    }
    found.next_entry = std::max(found.next_entry, insert->id + 1);
    const std::uint64_t id = insert->id;
    found.entries.insert_or_assign(id, std::move(*insert));
  } else if (const auto* erase = std::get_if<internal::EraseRecord>(&record)) {
    found.entries.erase(erase->id);
  } else if (std::holds_alternative<internal::ClearRecord>(record)) {
    found.entries.clear();
  } else {
    AddLearned(std::move(record), found);
  }
  return {};
}

// All records up to the end or the first damage, which the note tells of.
Result<Found> ReadAll(core::RecordReader& reader) {
  Found found;
  while (true) {
    auto next = reader.Next();
    if (!next) {
      found.note = next.error().message + "; what follows is dropped";
      return found;
    }
    if (!next->has_value()) break;
    if (auto added = Add((*next)->payload, found); !added) {
      found.note = fmt::format("record {}: {}; what follows is dropped", (*next)->sequence,
                               added.error().message);
      return found;
    }
  }
  if (reader.torn_tail()) {
    found.note = fmt::format("cut off {} bytes of a write that never finished",
                             reader.torn_tail()->size_bytes);
  }
  return found;
}

Result<internal::StoredRow> EncodedRow(const embed::Encoder& encoder, std::string_view text) {
  std::vector<float> vector(encoder.dim());
  const std::array<std::string_view, 1> texts = {text};
  ASSAY_TRY(encoder.Encode(texts, vector));
  return internal::Quantized(vector);
}

// Entries of `found` that are still good, with rows of the present encoders.
Result<void> TakeEntries(SemanticCache::State& state, Found& found, bool encode,
                         std::int64_t now_ms, SemanticRestore& restored) {
  while (found.entries.size() > state.options.max_entries) {
    found.entries.erase(found.entries.begin());
  }
  for (auto& [id, record] : found.entries) {
    if (record.expires_ms <= now_ms) continue;
    if (encode) {
      ASSAY_ASSIGN(record.fast, EncodedRow(state.fast, record.question));
      ASSAY_ASSIGN(record.precise, EncodedRow(state.precise, record.question));
      ++restored.encoded;
    }
    Entry entry{.context = record.context,
                .answer = record.answer,
                .question = std::make_shared<const Question>(ReadQuestion(record.question)),
                .group = record.group,
                .expires_ms = record.expires_ms,
                .right = encode ? 0 : record.right,
                .wrong = encode ? 0 : record.wrong};
    state.Put(std::move(entry), record.fast, record.precise, id);
    ++restored.entries;
  }
  state.next_entry = found.next_entry;
  return {};
}

// Goes on from what was learned; false where the state is damaged, which leaves a new one.
bool TakeLearned(SemanticCache::State& state, const std::vector<SemanticRecord>& learned) {
  for (const SemanticRecord& record : learned) {
    if (const auto* all = std::get_if<LearnedRecord>(&record)) {
      if (!state.learner.Load(all->learner) || !state.guard.Load(all->guard)) return false;
      state.refused_by_fact = all->refused_by_fact;
      state.ruled_out_fast = all->ruled_out_fast;
    } else if (const auto* counts = std::get_if<CountRecord>(&record)) {
      state.guard.CountRequests(counts->requests, std::min(counts->hits, counts->requests));
      for (std::uint32_t i = 0; i < counts->unlabelled; ++i) state.learner.AddUnlabelled();
      state.refused_by_fact += counts->refused_by_fact;
      state.ruled_out_fast += counts->ruled_out_fast;
    } else if (const auto* learn = std::get_if<LearnRecord>(&record)) {
      LearnRecord again = *learn;
      again.best_entry = 0;  // counted when the records were read
      state.Learn(again);
    }
  }
  return true;
}

// Writes what there is to a new file and puts it in the place of the old one.
Result<void> WriteAnew(SemanticCache::State& state, SemanticFile& file) {
  const std::string fresh = file.path + ".new";
  if (file.files->Stat(fresh)) ASSAY_TRY(file.files->Remove(fresh));
  ASSAY_ASSIGN(core::RecordWriter writer,
               core::RecordWriter::Open(*file.files, fresh, internal::kSemanticFile));
  const auto append = [&writer](const SemanticRecord& record) -> Result<std::uint64_t> {
    const std::string payload = internal::Encode(record);
    ASSAY_TRY(writer.Append(payload));
    return SizeOf(payload);
  };
  ASSAY_TRY(append(HeadOf(state.fast, state.precise)));
  ASSAY_TRY(append(LearnedRecord{.next_entry = state.next_entry,
                                 .refused_by_fact = state.refused_by_fact,
                                 .ruled_out_fast = state.ruled_out_fast,
                                 .learner = state.learner.Save(),
                                 .guard = state.guard.Save()}));
  file.counts = {};
  file.entry_bytes = 0;
  for (const auto& [id, entry] : state.entries) {
    ASSAY_ASSIGN(const std::uint64_t bytes, append(state.RecordOf(id, entry)));
    file.entry_bytes += bytes;
  }
  ASSAY_TRY(writer.Sync());
  ASSAY_TRY(file.files->Rename(fresh, file.path));
  const std::size_t slash = file.path.rfind('/');
  ASSAY_TRY(
      file.files->SyncDirectory(slash == std::string::npos ? "." : file.path.substr(0, slash)));
  file.writer.reset();
  ASSAY_ASSIGN(file.writer,
               core::RecordWriter::Open(*file.files, file.path, internal::kSemanticFile));
  return {};
}

bool IsMostlyWaste(const SemanticFile& file) {
  return file.writer->size_bytes() > 2 * file.entry_bytes + internal::kMostWaste;
}

}  // namespace

SemanticRecord SemanticCache::State::RecordOf(std::uint64_t id, const Entry& entry) const {
  const internal::Partition& partition = partitions.at(entry.context);
  return InsertRecord{.id = id,
                      .group = entry.group,
                      .context = entry.context,
                      .answer = entry.answer,
                      .expires_ms = entry.expires_ms,
                      .right = entry.right,
                      .wrong = entry.wrong,
                      .question = entry.question->text,
                      .fast = partition.fast.Row(entry.row),
                      .precise = partition.precise.Row(entry.row)};
}

void SemanticCache::State::Log(const SemanticRecord& record) {
  if (!file || !file->writer) return;
  const std::string payload = internal::Encode(record);
  auto kept = file->writer->Append(payload);
  if (std::holds_alternative<InsertRecord>(record)) file->entry_bytes += SizeOf(payload);
  if (std::holds_alternative<internal::EraseRecord>(record)) {
    const auto each = file->entry_bytes / std::max<std::uint64_t>(1, entries.size());
    file->entry_bytes -= std::min(file->entry_bytes, each);
  }
  if (std::holds_alternative<internal::ClearRecord>(record)) file->entry_bytes = 0;
  if (kept) return;
  file->error = kept.error().message;
  file->writer.reset();
}

void SemanticCache::State::LogCounts() {
  if (!file || file->counts.empty()) return;
  Log(std::exchange(file->counts, {}));
}

void SemanticCache::State::Compact() {
  if (!file || !file->writer || !IsMostlyWaste(*file)) return;
  if (const auto written = WriteAnew(*this, *file); !written) {
    file->error = written.error().message;
    file->writer.reset();
  }
}

Result<SemanticRestore> SemanticCache::Persist(core::FileSystem& files, const std::string& path,
                                               OtherEncoders other, std::int64_t now_ms) {
  const std::int64_t begin_ns = core::Clock::Real().monotonic_ns();
  const std::scoped_lock lock(state_->mutex);
  State& state = *state_;
  if (state.file || !state.entries.empty()) {
    return Fail(Code::kFailedPrecondition, "a semantic cache takes over one file, while it is new");
  }
  SemanticRestore restored;
  Found found;
  if (files.Stat(path)) {
    ASSAY_ASSIGN(auto reader, core::RecordReader::Open(files, path, internal::kSemanticFile));
    ASSAY_ASSIGN(found, ReadAll(reader));
  }
  const auto head = HeadOf(state.fast, state.precise);
  const auto written_by = found.head.value_or(head);
  const bool other_encoders = written_by.fast != head.fast || written_by.precise != head.precise ||
                              written_by.fast_dim != head.fast_dim ||
                              written_by.precise_dim != head.precise_dim;
  if (other_encoders && other == OtherEncoders::kRefuse) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("'{}' holds vectors of {} and {}, not of {} and {}: rebuild it or "
                            "remove it",
                            path, written_by.fast, written_by.precise, head.fast, head.precise));
  }
  restored.note = found.note;
  if (other_encoders) {
    restored.note += fmt::format("{}the questions were encoded anew by {} and {}, before {} and {}",
                                 restored.note.empty() ? "" : "; ", head.fast, head.precise,
                                 written_by.fast, written_by.precise);
  }
  ASSAY_TRY(TakeEntries(state, found, other_encoders, now_ms, restored));
  if (!other_encoders && written_by.model == head.model && !found.learned.empty()) {
    restored.learned = TakeLearned(state, found.learned);
  }
  SemanticFile& file = state.file.emplace();
  file.files = &files;
  file.path = path;
  if (auto written = WriteAnew(state, file); !written) {
    state.file.reset();
    return std::unexpected(std::move(written).error());
  }
  restored.seconds = static_cast<double>(core::Clock::Real().monotonic_ns() - begin_ns) / 1e9;
  return restored;
}

Result<void> SemanticCache::LetGo() {
  ASSAY_TRY(Sync());
  const std::scoped_lock lock(state_->mutex);
  state_->file.reset();
  return {};
}

Result<void> SemanticCache::Sync() {
  const std::scoped_lock lock(state_->mutex);
  if (!state_->file || !state_->file->writer) return {};
  state_->LogCounts();
  return state_->file->writer->Sync();
}

}  // namespace assay::cache
