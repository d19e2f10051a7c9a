// Opening, closing, and the threads.
#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "assay/core/parallel.h"

#include "disk/store.h"

namespace assay::cache {

using disk::Item;
using disk::LogPlace;
using disk::RecordHeader;

namespace {

constexpr std::uint64_t kLeastBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kSegmentsAtLeast = 4;  // so that dropping one is never dropping most
constexpr std::int64_t kNsPerMs = 1'000'000;

}  // namespace

DiskTier::Store::Store(core::FileSystem& files, DiskOptions options)
    : files_(files),
      options_(std::move(options)),
      codec_(options_.compress_from_bytes, options_.sealer) {
  while (options_.folder.size() > 1 && options_.folder.ends_with('/')) options_.folder.pop_back();
  options_.max_bytes = std::max(options_.max_bytes, kLeastBytes);
  options_.segment_bytes = std::min(options_.segment_bytes, options_.max_bytes / kSegmentsAtLeast);
}

DiskTier::Store::~Store() = default;

std::string DiskTier::Store::PathOf(std::uint32_t segment) const {
  return fmt::format("{}/{}", options_.folder, disk::SegmentName(segment));
}

void DiskTier::Store::Tell(DiskEvent::Kind kind, std::string message) {
  if (options_.on_event) options_.on_event({kind, std::move(message)});
}

std::int64_t DiskTier::Store::NowMs() const {
  return options_.clock->wall_ns() / kNsPerMs;
}

Result<void> DiskTier::Store::Open() {
  if (options_.read_only) {
    ASSAY_ASSIGN(const core::FileStat stat, files_.Stat(options_.folder));
    if (!stat.is_directory) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("'{}' is no folder; name the cache's folder", options_.folder));
    }
  } else if (!files_.Stat(options_.folder)) {
    ASSAY_TRY(files_.MakeDirectories(options_.folder));
    const std::size_t slash = options_.folder.rfind('/');
    ASSAY_TRY(files_.SyncDirectory(slash == std::string::npos ? "."
                                   : slash == 0               ? "/"
                                                              : options_.folder.substr(0, slash)));
  }
  ASSAY_ASSIGN(folder_lock_, core::FolderLock::Take(files_, options_.folder, "the cache",
                                                    "stop it, or ask it over HTTP (GET "
                                                    "/v1/cache/stats, DELETE /v1/cache)"));
  ASSAY_ASSIGN(const std::vector<std::uint32_t> ids, ListSegments());
  if (options_.read_only && ids.empty()) {
    return Fail(Code::kNotFound, fmt::format("there is no cache in '{}'", options_.folder));
  }
  ASSAY_TRY(OpenSegments(ids));
  LogPlace place;
  Result<LogPlace> loaded = disk::LoadCheckpoint(
      files_, fmt::format("{}/{}", options_.folder, disk::kCheckpointName), index_);
  if (loaded) {
    place = *loaded;
    details_.from_checkpoint = true;
  } else if (loaded.error().code != Code::kNotFound) {
    Tell(DiskEvent::Kind::kDamage,
         loaded.error().message + "; the log is read from its beginning instead");
  }
  ASSAY_TRY(Replay(place));
  Account();
  last_sweep_ns_ = options_.clock->monotonic_ns();
  return {};
}

Result<std::vector<std::uint32_t>> DiskTier::Store::ListSegments() {
  std::vector<std::uint32_t> ids;
  ASSAY_ASSIGN(const std::vector<std::string> names, files_.List(options_.folder));
  for (const std::string& name : names) {
    if (const std::uint32_t id = disk::SegmentOfName(name); id != 0) ids.push_back(id);
  }
  std::ranges::sort(ids);
  return ids;
}

Result<void> DiskTier::Store::OpenSegments(const std::vector<std::uint32_t>& ids) {
  for (const std::uint32_t id : ids) {
    last_segment_ = id;
    const std::string path = PathOf(id);
    Segment segment;
    segment.id = id;
    ASSAY_ASSIGN(const core::FileStat stat, files_.Stat(path));
    segment.file_bytes = stat.size_bytes;
    ASSAY_ASSIGN(segment.reader, files_.OpenRead(path));
    std::array<char, sizeof(disk::SegmentHeader)> head{};
    ASSAY_ASSIGN(const std::size_t got, segment.reader->ReadAt(0, head));
    const Result<disk::SegmentHeader> header =
        disk::ParseSegmentHeader(std::string_view(head.data(), got), path);
    if (!header && header.error().code != Code::kDataLoss) {
      return std::unexpected(header.error());
    }
    // A crash between making a file and its first flush leaves a header cut off: the last only.
    if (!header && id == ids.back() && got < head.size()) {
      Tell(DiskEvent::Kind::kTornTail, header.error().message + "; it held nothing acknowledged");
    } else if (!header) {
      ++details_.damaged;
      Tell(DiskEvent::Kind::kDamage, header.error().message + "; its records are looked for");
    }
    segment.whole = header.has_value();
    total_bytes_ += segment.file_bytes;
    segments_.emplace(id, std::move(segment));
  }
  return {};
}

void DiskTier::Store::ApplyRecord(const RecordHeader& header, std::uint32_t segment,
                                  std::uint64_t offset, std::int64_t now_ms) {
  if (header.is_erase() || header.expires_ms <= now_ms) {
    index_.Erase(header.key());  // also an expired record takes the place of the one before it
    return;
  }
  index_.Insert({.key = header.key(),
                 .stored_ms = header.stored_ms,
                 .expires_ms = header.expires_ms,
                 .segment = segment,
                 .offset_units = static_cast<std::uint32_t>(offset / disk::kAlignBytes),
                 .payload_bytes = header.payload_bytes,
                 .tenant_tag = header.tenant_tag,
                 .route_tag = header.route_tag,
                 .model_tag = header.model_tag});
}

Result<void> DiskTier::Store::Replay(const LogPlace& place) {
  const std::int64_t now_ms = NowMs();
  std::uint64_t sequence = place.next_sequence;
  for (const auto& [id, segment] : segments_) {
    if (id < place.segment) continue;
    const std::uint64_t begin =
        std::max(id == place.segment ? place.offset : 0, sizeof(disk::SegmentHeader) + 0UL);
    const std::string path = PathOf(id);
    ASSAY_ASSIGN(
        const disk::ScanReport report,
        disk::ScanSegment(
            *segment.reader, segment.file_bytes, id, begin, sequence,
            [&, number = id](const RecordHeader& header, std::uint64_t offset) {
              ApplyRecord(header, number, offset, now_ms);
            },
            [&](const disk::BadStretch& bad) {
              if (bad.torn) {
                Tell(DiskEvent::Kind::kTornTail,
                     fmt::format("'{}' ends in {} bytes of a write that was cut off at offset {}",
                                 path, bad.size_bytes, bad.offset));
                return;
              }
              ++details_.damaged;
              Tell(DiskEvent::Kind::kDamage,
                   fmt::format("{} bytes of '{}' at offset {} are damaged; the entries in them are "
                               "gone, those behind them are used",
                               bad.size_bytes, path, bad.offset));
            }));
    sequence = report.next_sequence;
    reuse_last_ = segment.whole && report.end == segment.file_bytes;
    details_.replayed_records += report.records;
  }
  records_since_checkpoint_ = details_.replayed_records;
  next_sequence_ = flushed_below_ = failed_below_ = sequence;
  return {};
}

// Sets the live bytes of each segment, and forgets what a checkpoint has of segments that are gone.
void DiskTier::Store::Account() {
  std::vector<std::uint32_t> ids;
  for (const auto& [id, segment] : segments_) ids.push_back(id);
  // Of each shard; the last place: of segments that are gone.
  std::array<std::vector<std::uint64_t>, disk::Index::kShards> parts;
  core::ParallelFor(parts.size(), 1, [&](std::size_t begin, std::size_t) {
    std::vector<std::uint64_t>& part = parts[begin];
    part.assign(ids.size() + 1, 0);
    std::size_t last = ids.size();
    index_.VisitShard(begin, [&](const Item& item) {
      if (last == ids.size() || ids[last] != item.segment) {  // neighbours are often of one segment
        const auto found = std::ranges::lower_bound(ids, item.segment);
        const bool here = found != ids.end() && *found == item.segment;
        last = here ? static_cast<std::size_t>(found - ids.begin()) : ids.size();
      }
      part[last] += item.record_bytes();
    });
  });
  std::vector<std::uint64_t> live(ids.size() + 1, 0);
  for (const std::vector<std::uint64_t>& part : parts) {
    std::ranges::transform(live, part, live.begin(), std::plus());
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    segments_.at(ids[i]).live_bytes = live[i];
    live_bytes_ += live[i];
  }
  if (live.back() > 0) {
    index_.EraseWhere([&](const Item& item) { return !segments_.contains(item.segment); });
  }
}

void DiskTier::Store::StartThreads() {
  if (!options_.background || options_.read_only) return;
  flush_thread_ = std::thread([this] { FlushLoop(); });
  maintain_thread_ = std::thread([this] { MaintainLoop(); });
}

void DiskTier::Store::Close() {
  {
    const std::scoped_lock lock(append_mutex_);
    stopping_ = true;
  }
  flush_asked_.notify_all();
  maintain_asked_.notify_all();
  if (flush_thread_.joinable()) flush_thread_.join();
  if (maintain_thread_.joinable()) maintain_thread_.join();
  if (options_.read_only) return;
  // What cannot be written now was not acknowledged, or is found by reading the log's tail.
  static_cast<void>(Flush());
  MaybeCheckpoint(true);
}

}  // namespace assay::cache
