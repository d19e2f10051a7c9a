// What a semantic cache holds, behind its lock.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "assay/cache/semantic/semantic_cache.h"

#include "semantic/large_index_internal.h"
#include "semantic/model/budget_internal.h"
#include "semantic/nearest_internal.h"
#include "semantic/store/record_internal.h"
#include "semantic/store/semantic_file_internal.h"

namespace assay::cache {
namespace internal {

struct Entry {
  core::Hash128 context;
  core::Hash128 answer;
  std::shared_ptr<const Question> question;
  std::uint64_t group = 0;
  std::int64_t expires_ms = 0;
  std::uint32_t right = 0;
  std::uint32_t wrong = 0;
  std::size_t row = 0;
};

// The questions of one context; row r of both matrices is entry ids[r].
struct Partition {
  Partition(std::size_t fast_dim, std::size_t precise_dim) : fast(fast_dim), precise(precise_dim) {}
  NearestRows fast;
  NearestRows precise;
  std::vector<std::uint64_t> ids;
  std::shared_ptr<LargeIndex> index;  // where there are many; null: all rows are compared
};

// An entry's number and its cosine with a question.
struct NearId {
  std::uint64_t id = 0;
  float cosine = 0;
};

// A candidate before it is judged.
struct Near {
  Candidate candidate;
  std::shared_ptr<const Question> question;
};

}  // namespace internal

struct SemanticCache::State {
  State(const SemanticOptions& semantic_options, const embed::Encoder& fast_encoder,
        const embed::Encoder& precise_encoder, const SameQuestion* same_question, core::Rng& chance)
      : options(semantic_options),
        fast(fast_encoder),
        precise(precise_encoder),
        verifier(same_question),
        rng(chance),
        learner(semantic_options.risk),
        guard(semantic_options.risk.budget) {}

  SemanticOptions options;
  const embed::Encoder& fast;
  const embed::Encoder& precise;
  const SameQuestion* verifier;
  core::Rng& rng;

  mutable std::mutex mutex;  // guards what follows
  SameAnswerLearner learner;
  internal::BudgetGuard guard;
  std::map<std::uint64_t, internal::Entry> entries;  // by number: oldest first
  std::unordered_map<core::Hash128, internal::Partition> partitions;
  std::uint64_t next_entry = 1;
  std::uint64_t refused_by_fact = 0;
  std::uint64_t ruled_out_fast = 0;

  std::optional<internal::SemanticFile> file;  // where changes are kept; absent: nowhere

  std::deque<core::Hash128> to_index;  // contexts whose lists are wanted; the first is at work
  std::condition_variable_any index_changed;  // of to_index
  std::unordered_set<core::Hash128> indexed;  // contexts that had lists once

  enum class Which { kFast, kPrecise };
  // The k entries of a context whose rows are nearest, in order; nullopt: no such context. The lock
  // is not held, and held for the search only where all rows are compared.
  Result<std::optional<std::vector<internal::NearId>>> Nearest(const core::Hash128& context,
                                                               Which which,
                                                               std::span<const float> query,
                                                               std::size_t k) const;
  Result<bool> LookFast(SemanticLookup& lookup);
  Result<std::vector<internal::Near>> Collect(const SemanticLookup& lookup,
                                              std::int64_t now_ms) const;
  Result<void> Judge(const SemanticLookup& lookup, std::vector<internal::Near>& near) const;
  void Decide(SemanticLookup& lookup);
  // A request of which nothing is learned. The lock is held.
  void CountRequest(bool is_hit);
  void CountUnlabelled();
  void Learn(const internal::LearnRecord& record);
  // Appends a row to the partition of the entry and the entry to all.
  void Put(internal::Entry entry, const internal::StoredRow& fast_row,
           const internal::StoredRow& precise_row, std::uint64_t id);
  void Remove(std::map<std::uint64_t, internal::Entry>::iterator it);
  // Puts a row that the partition has into its lists, and asks for lists where there should be.
  void IndexPut(internal::Partition& partition, const core::Hash128& context, std::uint64_t id,
                const internal::StoredRow& fast_row, const internal::StoredRow& precise_row);
  // The thread that makes lists, beside all others.
  void MakeLists(const std::stop_token& stop);
  // Copies what the context holds, letting the lock go now and then. False: it is not wanted.
  bool Fill(internal::LargeIndex& index, const core::Hash128& context,
            std::unique_lock<std::mutex>& lock, const std::stop_token& stop);

  // Keeps a change; a failure ends the keeping and stands in file->error.
  void Log(const internal::SemanticRecord& record);
  void LogCounts();
  void Compact();  // where most of the file is waste
  [[nodiscard]] internal::SemanticRecord RecordOf(std::uint64_t id,
                                                  const internal::Entry& entry) const;

  std::jthread indexer;  // runs MakeLists once it is needed; declared last: joined first
};

}  // namespace assay::cache
