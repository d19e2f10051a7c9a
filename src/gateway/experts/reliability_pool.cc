#include <algorithm>

#include <fmt/format.h>

#include "assay/core/format/bytes.h"

#include "experts/reliability_pool_internal.h"

namespace assay::gateway {
namespace {

constexpr core::RecordFileKind kVotesKind = {.tag = "votes", .version = 1};
constexpr std::size_t kMaxNameBytes = 255;
constexpr std::size_t kMaxRouteBytes = 65'535;
constexpr std::size_t kMaxVotes = 255;
constexpr std::size_t kSpareRecords = 4096;  // beyond what is kept, before a log is written anew

std::size_t KeptQuestions() {
  return consensus::LearnerOptions{}.window;
}

}  // namespace

std::string EncodeVotes(const StoredVotes& votes) {
  const std::string_view route = std::string_view(votes.route).substr(0, kMaxRouteBytes);
  std::string out(core::BytesOf(static_cast<std::uint16_t>(route.size())));
  out += route;
  const std::size_t count = std::min(votes.votes.size(), kMaxVotes);
  out += static_cast<char>(static_cast<unsigned char>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name = std::string_view(votes.votes[i].first).substr(0, kMaxNameBytes);
    out += static_cast<char>(static_cast<unsigned char>(name.size()));
    out += name;
    out += core::BytesOf(votes.votes[i].second);
  }
  return out;
}

Result<StoredVotes> DecodeVotes(std::string_view bytes) {
  const auto damaged = [] { return Fail(Code::kDataLoss, "a record of votes is damaged"); };
  const auto take = [&bytes](std::size_t size) -> std::optional<std::string_view> {
    if (bytes.size() < size) return std::nullopt;
    const std::string_view taken = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return taken;
  };
  StoredVotes votes;
  const auto route_size = take(sizeof(std::uint16_t));
  if (!route_size) return damaged();
  const auto route = take(core::LoadAt<std::uint16_t>(*route_size, 0));
  const auto count = take(1);
  if (!route || !count) return damaged();
  votes.route = *route;
  for (std::size_t i = 0; i < static_cast<unsigned char>((*count)[0]); ++i) {
    const auto size = take(1);
    if (!size) return damaged();
    const auto name = take(static_cast<unsigned char>((*size)[0]));
    const auto choice = take(sizeof(std::uint32_t));
    if (!name || !choice) return damaged();
    votes.votes.emplace_back(*name, core::LoadAt<std::uint32_t>(*choice, 0));
  }
  if (!bytes.empty()) return damaged();
  return votes;
}

ReliabilityPool::ReliabilityPool(core::FileSystem& files, std::string folder, OnNote on_note)
    : files_(files),
      folder_(std::move(folder)),
      path_(folder_ + "/votes.log"),
      on_note_(std::move(on_note)) {}

void ReliabilityPool::Open() {
  const std::scoped_lock lock(mutex_);
  if (folder_.empty() || opened_) return;
  opened_ = true;
  if (const auto restored = Restore(); !restored) {
    log_.reset();
    on_note_(restored.error().message);
  }
}

Result<void> ReliabilityPool::Restore() {
  ASSAY_TRY(files_.MakeDirectories(folder_));
  ASSAY_ASSIGN(folder_lock_,
               core::FolderLock::Take(files_, folder_, "the experts' votes",
                                      "give each gateway a `data_folder` of its own"));
  ASSAY_ASSIGN(log_, core::RecordWriter::Open(files_, path_, kVotesKind));
  ASSAY_ASSIGN(core::RecordReader reader, core::RecordReader::Open(files_, path_, kVotesKind));
  while (true) {
    ASSAY_ASSIGN(const std::optional<core::Record> record, reader.Next());
    if (!record) return {};
    ASSAY_ASSIGN(const StoredVotes votes, DecodeVotes(record->payload));
    Learn(votes);
    ++records_;
  }
}

void ReliabilityPool::Learn(const StoredVotes& votes) {
  Route& route = routes_[votes.route];
  std::vector<consensus::Vote> seen;
  for (const auto& [expert, choice] : votes.votes) seen.push_back({expert, choice});
  route.learner.Observe(seen);
  route.kept.push_back(votes);
  if (route.kept.size() > KeptQuestions()) route.kept.pop_front();
}

consensus::Reliabilities ReliabilityPool::Known(std::string_view route) const {
  const std::scoped_lock lock(mutex_);
  const auto found = routes_.find(route);
  return found == routes_.end() ? consensus::Reliabilities{} : found->second.learner.current();
}

void ReliabilityPool::Observe(const std::string& route, std::span<const consensus::Vote> votes) {
  StoredVotes stored{.route = route, .votes = {}};
  for (const consensus::Vote& vote : votes) stored.votes.emplace_back(vote.expert, vote.choice);
  const std::scoped_lock lock(mutex_);
  Learn(stored);
  if (!log_) return;
  auto written = [&]() -> Result<void> {
    ASSAY_TRY(log_->Append(EncodeVotes(stored)));
    ++records_;
    return Rewrite();
  }();
  if (written) return;
  log_.reset();
  on_note_(written.error().message);
}

// Once the log has grown well beyond what is remembered.
Result<void> ReliabilityPool::Rewrite() {
  std::size_t kept = 0;
  for (const auto& [name, route] : routes_) kept += route.kept.size();
  if (records_ < kept + kSpareRecords) return {};
  const std::string fresh = path_ + ".new";
  if (files_.Stat(fresh)) ASSAY_TRY(files_.Remove(fresh));
  {
    ASSAY_ASSIGN(core::RecordWriter writer, core::RecordWriter::Open(files_, fresh, kVotesKind));
    for (const auto& [name, route] : routes_) {
      for (const StoredVotes& votes : route.kept) ASSAY_TRY(writer.Append(EncodeVotes(votes)));
    }
    ASSAY_TRY(writer.Sync());
  }
  log_.reset();
  ASSAY_TRY(files_.Rename(fresh, path_));
  ASSAY_TRY(files_.SyncDirectory(folder_));
  ASSAY_ASSIGN(log_, core::RecordWriter::Open(files_, path_, kVotesKind));
  records_ = kept;
  return {};
}

}  // namespace assay::gateway
