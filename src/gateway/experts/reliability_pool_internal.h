// What routes learn about how often each expert is right, over reloads and restarts.
// Threads: safe; Observe may wait for the disk.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/consensus/reliability.h"
#include "assay/core/file_system.h"
#include "assay/core/record_file.h"
#include "assay/core/result.h"

namespace assay::gateway {

// Votes of one question of a route, as docs/formats/votes.md has them.
struct StoredVotes {
  std::string route;
  std::vector<std::pair<std::string, std::uint32_t>> votes;  // expert and choice
  friend bool operator==(const StoredVotes&, const StoredVotes&) = default;
};
// Names of more than 255 and routes of more than 65,535 bytes are cut.
[[nodiscard]] std::string EncodeVotes(const StoredVotes& votes);
// Errors: kDataLoss for bytes that EncodeVotes never makes.
[[nodiscard]] Result<StoredVotes> DecodeVotes(std::string_view bytes);

class ReliabilityPool {
 public:
  using OnNote = std::function<void(const std::string& message)>;

  // `folder`: where votes are kept; empty: in memory only. What cannot be read or written is told
  // to `on_note`, and learning goes on in memory.
  ReliabilityPool(core::FileSystem& files, std::string folder, OnNote on_note);

  // Reads what was kept, with the first call; before it nothing is read or written.
  void Open();

  [[nodiscard]] consensus::Reliabilities Known(std::string_view route) const;
  void Observe(const std::string& route, std::span<const consensus::Vote> votes);

 private:
  struct Route {
    consensus::ReliabilityLearner learner;
    std::deque<StoredVotes> kept;  // the latest, as many as the learner remembers
  };

  Result<void> Restore();
  Result<void> Rewrite();
  void Learn(const StoredVotes& votes);

  core::FileSystem& files_;
  const std::string folder_;
  const std::string path_;
  OnNote on_note_;
  std::optional<core::FolderLock> folder_lock_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, Route, std::less<>> routes_;
  std::optional<core::RecordWriter> log_;  // none: in memory only
  std::size_t records_ = 0;                // of the log
  bool opened_ = false;
};

}  // namespace assay::gateway
