// The semantic caches of all routes.
// Threads: Get by one at a time; Views by all; a SemanticRoute is for many.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cache/semantic/semantic_cache.h"
#include "assay/cache/tiered_cache.h"
#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/embed/encoder.h"
#include "assay/gateway/settings.h"

#include "services/encoder_pool_internal.h"

namespace assay::gateway {

// One look-up on its way from the stage to Store.
struct SemanticLook {
  cache::SemanticLookup lookup;
  bool usable = false;  // the request may be answered this way; else `reason` says why not
  std::string reason;
};

class SemanticRoute {
 public:
  // `same_question` may be null.
  SemanticRoute(const cache::SemanticOptions& options, const embed::Encoder& fast,
                const embed::Encoder& precise,
                std::unique_ptr<cache::SameQuestion> same_question = nullptr);

  // Runs on the compute pool: about 2 ms with a transformer. Never fails: what goes wrong is a
  // miss.
  [[nodiscard]] SemanticLook Look(std::string_view body, std::string_view tenant,
                                  std::uint64_t route_version, std::int64_t now_ms);

  // Runs on the compute pool once the answer is stored under `key`: compares it with the answers of
  // the candidates that `answers` still holds, learns, and remembers the question of a miss or of
  // a wrong hit.
  void Take(const SemanticLook& look, std::string_view answer_json, const core::Hash128& key,
            std::string_view tenant, cache::TieredCache& answers, std::int64_t now_ms,
            std::int64_t expires_ms);

  void Forget(const core::Hash128& answer) { cache_.Erase(answer); }
  [[nodiscard]] cache::SemanticStats Stats() const { return cache_.Stats(); }
  // As cache::SemanticCache.
  [[nodiscard]] Result<cache::SemanticRestore> Persist(const std::string& path);
  void LetGo();

 private:
  const embed::Encoder& fast_;
  std::unique_ptr<cache::SameQuestion> same_question_;
  cache::SemanticCache cache_;
};

// What became of a route's file; `good` false where it needs a look.
using OnSemanticNote =
    std::function<void(const std::string& route, const std::string& note, bool good)>;

class SemanticPool {
 public:
  // `folder`: where the caches of the routes are kept, one file each; empty: only in memory.
  SemanticPool(EncoderPool& encoders, std::string folder, OnSemanticNote on_note)
      : encoders_(encoders), folder_(std::move(folder)), on_note_(std::move(on_note)) {}

  // The cache of that route, shared with those who have it. A new one takes over the route's file,
  // also from a cache with other settings, which then goes on in memory only; without a folder it
  // begins empty. A file that cannot be used is told of and left alone. The pool must outlive it.
  // Errors: those of EncoderPool.
  [[nodiscard]] Result<std::shared_ptr<SemanticRoute>> Get(const std::string& route,
                                                           const SemanticSettings& settings);

  struct View {
    std::string route;
    cache::SemanticStats stats;
  };
  // Of the routes that somebody has; of two caches of one route, the later one.
  [[nodiscard]] std::vector<View> Views() const;

 private:
  struct Member {
    std::string route;
    SemanticSettings settings;
    std::weak_ptr<SemanticRoute> cache;
  };

  void TakeOver(const std::string& route, SemanticRoute& cache);

  EncoderPool& encoders_;
  std::string folder_;
  OnSemanticNote on_note_;
  std::optional<core::FolderLock> folder_lock_;
  mutable std::mutex mutex_;  // guards members_
  std::vector<Member> members_;
};

}  // namespace assay::gateway
