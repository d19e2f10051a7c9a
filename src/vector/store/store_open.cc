// Opening: what the manifest lists is checked and replayed.
#include <algorithm>

#include <fmt/format.h>

#include "assay/vector/top_k.h"

#include "store/store.h"

namespace assay::vector {

using internal::Base;
using internal::Entry;
using internal::LogFile;
using internal::LoggedChange;
using internal::Manifest;
using internal::Run;
using internal::State;

namespace {

constexpr int kReadOnlyTries = 4;  // a writer may compact while its files are being opened

std::string Named(std::string_view prefix, std::uint64_t number) {
  return fmt::format("{}{:010}", prefix, number);
}

std::string ParentOf(const std::string& folder) {
  const std::size_t slash = folder.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : folder.substr(0, slash);
}

}  // namespace

VectorStore::Store::Store(core::FileSystem& files, StoreOptions options)
    : files_(files), options_(std::move(options)) {
  while (options_.folder.size() > 1 && options_.folder.ends_with('/')) options_.folder.pop_back();
  options_.kept_bases = std::max<std::size_t>(1, options_.kept_bases);
  compact_at_bytes_ = options_.compact_from_bytes;
}

VectorStore::Store::~Store() {
  {
    const Lock lock(wake_mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  NoteEnd();
}

// Best effort: without it a log that is cut behind a whole commit cannot be told from a shorter
// one.
void VectorStore::Store::NoteEnd() {
  if (!writer_ || broken_ || state_ == nullptr) return;
  if (manifest_.end_bytes == writer_->size_bytes()) return;
  Manifest noted = manifest_;
  noted.end_bytes = writer_->size_bytes();
  static_cast<void>(internal::SaveManifest(files_, options_.folder, noted).has_value());
}

void VectorStore::Store::StartThread() {
  if (options_.background && !options_.read_only) thread_ = std::thread([this] { CompactLoop(); });
}

std::string VectorStore::Store::PathOf(const std::string& name) const {
  return fmt::format("{}/{}", options_.folder, name);
}

void VectorStore::Store::Tell(StoreEvent::Kind kind, std::string message) const {
  if (options_.on_event) options_.on_event({kind, std::move(message)});
}

void VectorStore::Store::Publish(State state) {
  auto next = std::make_shared<const State>(std::move(state));
  const Lock lock(state_mutex_);
  state_.swap(next);
}

std::shared_ptr<const State> VectorStore::Store::CurrentState() const {
  const Lock lock(state_mutex_);
  return state_;
}

// A folder without a manifest may hold what a first start left behind, but no data.
Result<void> VectorStore::Store::CheckNoOther() {
  ASSAY_ASSIGN(const std::vector<std::string> names, files_.List(options_.folder));
  for (const std::string& name : names) {
    if (!name.starts_with(internal::kBasePrefix) && !name.starts_with(internal::kLogPrefix)) {
      continue;
    }
    ASSAY_ASSIGN(const core::FileStat stat, files_.Stat(PathOf(name)));
    if (stat.size_bytes > core::kRecordFileHeaderBytes) {
      return Fail(Code::kDataLoss,
                  fmt::format("'{}' holds vectors ('{}') but no manifest; restore '{}' from a copy",
                              options_.folder, name, PathOf(std::string(internal::kManifestName))));
    }
  }
  return {};
}

Result<void> VectorStore::Store::MakeNew() {
  ASSAY_TRY(CheckNoOther());
  if (options_.dim == 0 || options_.dim > kMaxDim) {
    return Fail(Code::kInvalidArgument,
                fmt::format("there is no store in '{}'; a new one needs the number of dimensions "
                            "of its vectors, 1 to {}",
                            options_.folder, kMaxDim));
  }
  if (options_.encoder.size() > kMaxEncoderNameBytes ||
      options_.encoder.find_first_of(std::string_view("\n\0", 2)) != std::string::npos) {
    return Fail(Code::kInvalidArgument,
                fmt::format("an encoder's name has at most {} bytes and no line breaks",
                            kMaxEncoderNameBytes));
  }
  Manifest manifest{.dim = options_.dim,
                    .encoder = options_.encoder,
                    .next_file = 2,
                    .bases = {},
                    .logs = {{.version = 0, .name = Named(internal::kLogPrefix, 1)}}};
  ASSAY_TRY(core::RecordWriter::Open(files_, PathOf(manifest.logs[0].name), internal::kLogKind));
  return internal::SaveManifest(files_, options_.folder, manifest);
}

Result<void> VectorStore::Store::CheckOptions() const {
  if (options_.dim != 0 && options_.dim != manifest_.dim) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("the store in '{}' holds vectors of {} dimensions, not {}; name "
                            "another folder",
                            options_.folder, manifest_.dim, options_.dim));
  }
  if (!options_.encoder.empty() && options_.encoder != manifest_.encoder) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("the vectors in '{}' were made by '{}', not by '{}': they cannot be "
                            "compared; embed the texts anew into another folder",
                            options_.folder, manifest_.encoder, options_.encoder));
  }
  return {};
}

Result<void> VectorStore::Store::Open() {
  if (options_.read_only) {
    Result<void> opened;
    for (int i = 0; i < kReadOnlyTries; ++i) {
      opened = OpenOnce();
      if (opened || opened.error().code != Code::kNotFound) break;
    }
    return opened;
  }
  if (!files_.Stat(options_.folder)) {
    ASSAY_TRY(files_.MakeDirectories(options_.folder));
    ASSAY_TRY(files_.SyncDirectory(ParentOf(options_.folder)));
  }
  ASSAY_ASSIGN(folder_lock_, core::FolderLock::Take(files_, options_.folder, "the vector store",
                                                    "stop it, or open the store for reading only"));
  const Result<core::FileStat> manifest = files_.Stat(PathOf(std::string(internal::kManifestName)));
  if (!manifest && manifest.error().code != Code::kNotFound) {
    return std::unexpected(manifest.error());
  }
  if (!manifest) ASSAY_TRY(MakeNew());
  return OpenOnce();
}

Result<void> VectorStore::Store::OpenOnce() {
  ASSAY_ASSIGN(manifest_, internal::LoadManifest(files_, options_.folder));
  ASSAY_TRY(CheckOptions());
  if (!options_.read_only) RemoveUnlisted();
  ASSAY_TRY(Load());  // finds damage before anything is cut off
  return options_.read_only ? Result<void>() : OpenWriter();
}

Result<void> VectorStore::Store::OpenWriter() {
  const std::string path = PathOf(manifest_.logs.back().name);
  ASSAY_ASSIGN(writer_, core::RecordWriter::Open(files_, path, internal::kLogKind));
  if (const auto& torn = writer_->cut_tail()) {
    Tell(StoreEvent::Kind::kTornTail,
         fmt::format("'{}': {} bytes at offset {} were the rest of a commit that never "
                     "finished; they were removed",
                     path, torn->size_bytes, torn->offset));
    log_bytes_ -= std::min(log_bytes_, torn->size_bytes);
  }
  // What a crash left in the system's memory is not known to be on the disk.
  Result<void> synced = writer_->Sync();
  broken_ = !synced;
  return synced;
}

// Best effort: what an interrupted compaction left does no harm.
void VectorStore::Store::RemoveUnlisted() {
  const Result<std::vector<std::string>> names = files_.List(options_.folder);
  if (!names) return;
  const auto listed = [](const std::vector<Manifest::File>& files, const std::string& name) {
    return std::ranges::find(files, name, &Manifest::File::name) != files.end();
  };
  for (const std::string& name : *names) {
    const bool ours = name.starts_with(internal::kBasePrefix) ||
                      name.starts_with(internal::kLogPrefix) ||
                      name.starts_with(fmt::format("{}.tmp-", internal::kManifestName));
    if (ours && !listed(manifest_.bases, name) && !listed(manifest_.logs, name)) {
      static_cast<void>(files_.Remove(PathOf(name)));
    }
  }
}

Result<std::shared_ptr<const LogFile>> VectorStore::Store::OpenLog(const std::string& name) const {
  auto log = std::make_shared<LogFile>();
  log->path = PathOf(name);
  ASSAY_ASSIGN(log->reader, files_.OpenRead(log->path));
  return log;
}

Result<void> VectorStore::Store::Replay(const Manifest& manifest, std::size_t log,
                                        std::uint64_t after, const OnCommit& on_commit) const {
  const std::string path = PathOf(manifest.logs[log].name);
  ASSAY_ASSIGN(core::RecordReader reader,
               core::RecordReader::Open(files_, path, internal::kLogKind));
  std::vector<LoggedChange> changes;
  while (true) {
    ASSAY_ASSIGN(const std::optional<core::Record> record, reader.Next());
    if (!record) break;
    changes.clear();
    const auto header = internal::ReadCommit(
        record->payload, [&](const LoggedChange& change) { changes.push_back(change); });
    if (!header) {
      return Fail(Code::kDataLoss, fmt::format("'{}' is damaged at offset {}: {}", path,
                                               record->offset, header.error().message));
    }
    if (header->version > after && !on_commit(*header, *record, changes)) return {};
  }
  if (reader.torn_tail() && log + 1 < manifest.logs.size()) {
    return Fail(Code::kDataLoss, fmt::format("'{}' is damaged at offset {}: its end is missing; "
                                             "restore it from a copy",
                                             path, reader.torn_tail()->offset));
  }
  if (log + 1 == manifest.logs.size() && reader.offset() < manifest.end_bytes) {
    return Fail(Code::kDataLoss,
                fmt::format("'{}' is damaged at offset {}: it had {} bytes when it was closed; "
                            "restore it from a copy",
                            path, reader.offset(), manifest.end_bytes));
  }
  return {};
}

Result<void> VectorStore::Store::AddChanges(const Manifest& manifest, std::size_t log,
                                            std::uint64_t until, State& state, Run& run) const {
  const bool passed =
      log + 1 < manifest.logs.size() && manifest.logs[log + 1].version <= state.version;
  if (passed || manifest.logs[log].version > until) return {};
  ASSAY_ASSIGN(const std::shared_ptr<const LogFile> file, OpenLog(manifest.logs[log].name));
  state.logs.push_back(file);
  const std::uint64_t base_version = state.base == nullptr ? 0 : state.base->version();
  Result<void> good;
  ASSAY_TRY(
      Replay(manifest, log, state.version,
             [&](const internal::CommitHeader& header, const core::Record& record,
                 std::span<const LoggedChange> changes) {
               if (header.version > until) return false;
               if (header.version != state.version + 1 ||
                   (header.base_version != 0 && header.base_version != base_version)) {
                 good = Fail(Code::kDataLoss,
                             fmt::format("'{}' is damaged at offset {}: version {} does not "
                                         "follow version {}",
                                         file->path, record.offset, header.version, state.version));
                 return false;
               }
               state.version = header.version;
               for (const LoggedChange& change : changes) {
                 run.push_back({.id = change.id,
                                .offset = record.offset + core::kRecordHeaderBytes + change.offset,
                                .log = file.get(),
                                .size_bytes = change.size_bytes,
                                .crc = change.crc,
                                .form = change.form});
               }
               return true;
             }));
  return good;
}

Result<void> VectorStore::Store::Load() {
  State state{.version = 0,
              .dim = manifest_.dim,
              .encoder = manifest_.encoder,
              .base = nullptr,
              .logs = {},
              .runs = {}};
  if (!manifest_.bases.empty()) {
    ASSAY_ASSIGN(state.base,
                 Base::Open(files_, PathOf(manifest_.bases.back().name), manifest_.dim));
    state.version = state.base->version();
  }
  Run run;
  for (std::size_t log = 0; log < manifest_.logs.size(); ++log) {
    ASSAY_TRY(AddChanges(manifest_, log, UINT64_MAX, state, run));
  }
  log_bytes_ = 0;
  for (const Manifest::File& file : manifest_.logs) {
    if (state.base != nullptr && file.version < state.base->version()) continue;
    ASSAY_ASSIGN(const core::FileStat stat, files_.Stat(PathOf(file.name)));
    log_bytes_ += stat.size_bytes;
  }
  active_log_ = state.logs.back();
  active_base_version_ = manifest_.logs.back().version;
  if (!run.empty()) state.runs.push_back(std::make_shared<const Run>(internal::MakeRun(run)));
  Publish(std::move(state));
  return {};
}

// ---- the public class ----

VectorStore::VectorStore(std::unique_ptr<Store> store) : store_(std::move(store)) {}
VectorStore::~VectorStore() = default;

Result<std::unique_ptr<VectorStore>> VectorStore::Open(core::FileSystem& files,
                                                       StoreOptions options) {
  auto store = std::make_unique<Store>(files, std::move(options));
  ASSAY_TRY(store->Open());
  store->StartThread();
  return std::unique_ptr<VectorStore>(new VectorStore(std::move(store)));
}

std::size_t VectorStore::dim() const {
  return store_->CurrentState()->dim;
}

std::uint64_t VectorStore::version() const {
  return store_->CurrentState()->version;
}

std::string VectorStore::encoder() const {
  return store_->CurrentState()->encoder;
}

}  // namespace assay::vector
