// assay/claims/verdict_cache.h: judgements kept in memory by claim, index version and verifier.
// Room: claims (uses core, corpus).  Threads: everything may be called by many threads at once; a
// Reader belongs to one thread. Reads take no lock and write nothing but a recency mark.
// Method: sets of eight slots with CLOCK replacement in each set (Corbato 1968); immutable entries
// that are freed by epochs (Fraser, "Practical lock-freedom", 2004, 5.2.3).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "assay/claims/verdict.h"
#include "assay/claims/verifier.h"
#include "assay/core/result.h"
#include "assay/corpus/index.h"

namespace assay::claims {

struct VerdictCacheOptions {
  // Judgements kept, rounded up to a power of two. Eviction begins a little earlier where many keys
  // share a set. A judgement takes about 64 bytes and its own strings.
  std::size_t max_entries = 65'536;
};

struct VerdictCacheStats {
  std::uint64_t entries = 0;
  std::uint64_t insertions = 0;  // replacements of an equal key included
  std::uint64_t evictions = 0;
};

class VerdictCache final : public JudgementStore {
 public:
  // Errors: kInvalidArgument if max_entries is 0; kOutOfRange if it is above 2^30.
  [[nodiscard]] static Result<std::unique_ptr<VerdictCache>> Create(
      const VerdictCacheOptions& options = {});
  ~VerdictCache() override;

  // A copy of the judgement. Use a Reader where a copy would cost more than the look-up.
  [[nodiscard]] std::optional<Judgement> Find(std::string_view claim,
                                              const corpus::IndexVersion& index,
                                              std::uint64_t verifier) override;
  void Put(std::string_view claim, const corpus::IndexVersion& index, std::uint64_t verifier,
           const Judgement& judgement) override;

  // Keeps what it found alive: pointers from a Reader are valid until it is destroyed. Hold one for
  // a batch, not for longer; while it lives no replaced judgement is freed. At most 128 live at
  // once, the next waits for one of them.
  class Reader {
   public:
    Reader(Reader&&) = delete;
    ~Reader();

    [[nodiscard]] const Judgement* Find(std::string_view claim, const corpus::IndexVersion& index,
                                        std::uint64_t verifier) const;
    // out[i]: the judgement of claims[i], or null. Memory is asked for ahead of its use, so that
    // the cache misses of many look-ups overlap. Requires: out.size() == claims.size().
    void FindBatch(std::span<const std::string_view> claims, const corpus::IndexVersion& index,
                   std::uint64_t verifier, std::span<const Judgement*> out) const;

   private:
    friend class VerdictCache;
    explicit Reader(const VerdictCache& cache);
    const VerdictCache& cache_;
    std::size_t pin_;
  };
  [[nodiscard]] Reader Read() const { return Reader(*this); }

  [[nodiscard]] VerdictCacheStats stats() const;

 private:
  struct Impl;
  explicit VerdictCache(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::claims
