// assay/cache/compressed_tier.h: more answers in the same memory, compressed by zstd.
// Room: cache (uses core).  Threads: as Tier. Takes 1 to 10 us for each KB, so not for I/O threads.
// Method: a MemoryCache (S3-FIFO, bounded by bytes) whose entries hold the compressed bytes of
// others; Zstandard (Collet and Kucherawy, RFC 8878).
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "assay/cache/tier.h"
#include "assay/core/result.h"

namespace assay::cache {

struct CompressedTierOptions {
  std::size_t capacity_bytes = std::size_t{256} << 20;  // of all it takes, as in MemoryCacheOptions
  int level = 3;                                        // of zstd, 1 to 19
  // What answers have in common, from TrainDictionary; empty: none. Short answers gain most.
  std::string dictionary = {};
};

class CompressedTier final : public Tier {
 public:
  // Errors: kInvalidArgument when a bound is 0, the level is out of range, or the dictionary is not
  // one.
  [[nodiscard]] static Result<std::unique_ptr<CompressedTier>> Create(
      const CompressedTierOptions& options);
  ~CompressedTier() override;

  // A dictionary of at most `size_bytes` that suits answers like these; a thousand are plenty.
  // Errors: kInvalidArgument when there are too few or too small ones to learn from.
  [[nodiscard]] static Result<std::string> TrainDictionary(std::span<const EntryRef> samples,
                                                           std::size_t size_bytes);

  [[nodiscard]] std::string_view name() const override { return "zstd"; }
  [[nodiscard]] Result<EntryRef> Get(const Key& key, std::int64_t now_ms) override;
  [[nodiscard]] Result<void> Put(const EntryRef& entry, std::int64_t now_ms) override;
  [[nodiscard]] Result<bool> Erase(const Key& key) override;
  [[nodiscard]] Result<std::uint64_t> Purge(const Filter& filter) override;
  [[nodiscard]] Result<void> ForEach(std::int64_t now_ms, const Visitor& visit) override;
  [[nodiscard]] TierStats Stats() const override;

 private:
  struct Impl;
  explicit CompressedTier(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::cache
