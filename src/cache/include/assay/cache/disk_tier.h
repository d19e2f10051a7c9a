// assay/cache/disk_tier.h: cached answers in a folder on disk.
// Room: cache (uses core, crypto).  Threads: safe for many threads; calls block on the disk.
// Method: a circular log of segments with an index in memory (Rosenblum and Ousterhout 1992; the
// index as in Bitcask, Sheehy and Smith 2010), oldest segment first collected, with a second chance
// for what was read (CLOCK). Format: docs/formats/cache-log.md; why so:
// docs/decisions/0006-cache-log.md.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cache/tier.h"
#include "assay/core/clock.h"
#include "assay/core/file_system.h"

namespace assay::crypto {
class Sealer;  // assay/crypto/aead.h
}

namespace assay::cache {

// What entries are sealed for: the purpose of the crypto::Sealer of every tier, so that all
// programs that share a key file read one another's entries.
inline constexpr std::string_view kSealPurpose = "cache entries";

// Something that an operator should know; each is told once, not for every call that meets it.
struct DiskEvent {
  enum class Kind : std::uint8_t {
    kTornTail,  // a write that a crash cut off; nothing acknowledged was in it
    kDamage,    // bytes that are not what was written; the entries in them are gone
    kOff,       // the disk is full or fails: nothing is stored for now, what is stored is served
    kBack,      // it stores again
  };
  Kind kind;
  std::string message;  // names the file
};

struct DiskOptions {
  std::string folder = {};
  std::uint64_t max_bytes = std::uint64_t{10} << 30;      // of all files together; at least 1 MiB
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;  // lowered to max_bytes / 4
  // Answers longer than this are stored compressed (zstd, fast level); SIZE_MAX for never.
  std::size_t compress_from_bytes = 1024;
  std::shared_ptr<const crypto::Sealer> sealer = nullptr;  // null: not sealed
  // Put returns only when its entry would survive a power failure; puts of many threads at once
  // share one flush. Otherwise Put returns when it would survive `kill -9`, and Sync() or the time
  // below make it safe from power failures.
  bool durable_puts = false;
  std::int64_t flush_every_ms = 200;
  std::int64_t sweep_every_ms = 60'000;  // looks for expired entries
  // Without threads of its own, Sync() flushes and Maintain() tidies up in the calling thread.
  bool background = true;
  bool read_only = false;  // neither changes nor creates a file; Put and Erase are refused
  // Called by one thread at a time, with locks held: must not call the tier.
  std::function<void(const DiskEvent&)> on_event = {};
  core::Clock* clock = &core::Clock::Real();
};

struct DiskStats {
  std::uint64_t segments = 0;
  std::uint64_t file_bytes = 0;      // of all segments
  std::uint64_t live_bytes = 0;      // of them, in records that are still found
  std::uint64_t appended_bytes = 0;  // since it was opened, copies of the collector included
  std::uint64_t copied_bytes = 0;    // by the collector
  std::uint64_t flushes = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t replayed_records = 0;  // read from the log's tail when it was opened
  std::uint64_t damaged = 0;           // damaged places met
  bool from_checkpoint = false;        // the index was found ready when it was opened
  bool off = false;
};

class DiskTier final : public Tier {
 public:
  // Creates the folder where it is missing, and holds its lock. Time: about 30 ms for each million
  // of entries, and the reading of the log's tail. Damage is reported by on_event, never an error.
  // Errors: kUnavailable while another process holds the folder (names it); kNotFound when
  // read_only and there is none; kPermissionDenied; kFailedPrecondition for another format version.
  [[nodiscard]] static Result<std::unique_ptr<DiskTier>> Open(core::FileSystem& files,
                                                              DiskOptions options);
  // Flushes, and writes the index so that the next start is quick.
  ~DiskTier() override;

  [[nodiscard]] std::string_view name() const override { return "disk"; }
  [[nodiscard]] Result<EntryRef> Get(const Key& key, std::int64_t now_ms) override;
  // kUnavailable or kResourceExhausted while it is off; costs nothing then.
  [[nodiscard]] Result<void> Put(const EntryRef& entry, std::int64_t now_ms) override;
  [[nodiscard]] Result<bool> Erase(const Key& key) override;
  // By the hashes of tenant, route and model: in 2^32 entries it takes one that does not match.
  [[nodiscard]] Result<std::uint64_t> Purge(const Filter& filter) override;
  [[nodiscard]] Result<void> ForEach(std::int64_t now_ms, const Visitor& visit) override;
  // All that was put or erased before survives a power failure. Errors: of the disk; nobody knows
  // then what is there.
  [[nodiscard]] Result<void> Sync() override;
  [[nodiscard]] TierStats Stats() const override;
  [[nodiscard]] DiskStats Details() const;

  // Sweeps, collects and writes the index where each is due; the background thread does the same.
  void Maintain();

  class Store;  // private to the room

 private:
  explicit DiskTier(std::unique_ptr<Store> store);
  std::unique_ptr<Store> store_;
};

}  // namespace assay::cache
