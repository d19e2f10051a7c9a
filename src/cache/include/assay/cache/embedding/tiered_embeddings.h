// assay/cache/embedding/tiered_embeddings.h: embeddings in three tiers: float32, compressed, disk.
// Room: cache (uses core, embed, vector).  Threads: safe.
// Method: S3-FIFO's small and main queue (Yang et al., SOSP 2023) over the compressed bytes, with
// the look-ups of every key counted in the index instead of its ghost queue; a row moves up when it
// is asked for more often than the oldest row above it (TinyLFU's admission, Einziger et al. 2017),
// and all counts are halved from time to time. Memory: the two budgets and 48 bytes a row on disk.
// Format: docs/formats/embedding-tiers.md.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/embed/embedding_cache.h"

namespace assay::cache {

inline constexpr std::uint32_t kEmbeddingTiersVersion = 1;

struct EmbeddingTierOptions {
  std::size_t hot_bytes = std::size_t{2} << 20;         // float32 rows; 0 = no such tier
  std::size_t compressed_bytes = std::size_t{5} << 20;  // rows in vector's lossless code
};

struct EmbeddingTierStats {
  std::uint64_t lookups = 0;
  std::uint64_t hot_hits = 0;
  std::uint64_t compressed_hits = 0;
  std::uint64_t disk_hits = 0;   // the rest were misses
  std::uint64_t promotions = 0;  // from compressed to hot
  std::uint64_t damaged = 0;     // rows on disk whose checksum was wrong; they count as misses
  std::uint64_t rows = 0;        // in all: each is on disk
  std::uint64_t hot_rows = 0;
  std::uint64_t hot_bytes = 0;
  std::uint64_t compressed_rows = 0;
  std::uint64_t compressed_bytes = 0;
  std::uint64_t index_bytes = 0;
  std::uint64_t disk_bytes = 0;
};

// Every row is in the log on disk; memory holds what is asked for most. Bit for bit what was put.
class TieredEmbeddings final : public embed::EmbeddingCache {
 public:
  // Opens or creates the log in `folder`; its tail is cut off where a crash left it torn. One
  // process at a time. Errors: kUnavailable when another has it; kFailedPrecondition when it holds
  // another provider's or another dimension's rows; kDataLoss for damage before its last record;
  // kOutOfRange for a dimension of 0 or above 65,536; those of the disk.
  [[nodiscard]] static Result<std::unique_ptr<TieredEmbeddings>> Open(
      core::FileSystem& files, const std::string& folder, std::string_view provider_name,
      std::size_t dim, const EmbeddingTierOptions& options = {});
  ~TieredEmbeddings() override;

  [[nodiscard]] std::size_t dim() const override;
  // Hot: a copy under a short lock. Compressed: decoded outside of it. Disk: read by position (not
  // by mapping: pages that were read do not count as this process's memory) and decoded.
  [[nodiscard]] bool Get(const core::Hash128& key, std::span<float> out) override;
  [[nodiscard]] Result<void> Put(const core::Hash128& key, std::span<const float> row) override;
  [[nodiscard]] Result<void> Sync() override;
  [[nodiscard]] EmbeddingTierStats stats() const;

 private:
  class Impl;
  explicit TieredEmbeddings(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::cache
