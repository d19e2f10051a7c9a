// What a file of a semantic cache holds, record by record. Format: docs/formats/semantic-cache.md.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "assay/cache/semantic/same_answer.h"
#include "assay/core/hash.h"
#include "assay/core/record_file.h"

namespace assay::cache::internal {

inline constexpr core::RecordFileKind kSemanticFile{.tag = "semantic", .version = 1};

// The first record: who wrote the file.
struct HeadRecord {
  std::string fast;  // names of the encoders
  std::string precise;
  std::uint32_t fast_dim = 0;
  std::uint32_t precise_dim = 0;
  std::uint64_t model = 0;  // of the shipped weights and their inputs

  friend bool operator==(const HeadRecord&, const HeadRecord&) = default;
};

struct StoredRow {
  float scale = 0;
  std::vector<std::int8_t> values;
};

struct InsertRecord {
  std::uint64_t id = 0;
  std::uint64_t group = 0;
  core::Hash128 context;
  core::Hash128 answer;
  std::int64_t expires_ms = 0;
  std::uint32_t right = 0;
  std::uint32_t wrong = 0;
  std::string question;
  StoredRow fast;
  StoredRow precise;
};

struct EraseRecord {
  std::uint64_t id = 0;
};

struct ClearRecord {};

// Requests since the record before, of which nothing was learned.
struct CountRecord {
  std::uint32_t unlabelled = 0;
  std::uint32_t requests = 0;
  std::uint32_t hits = 0;
  std::uint32_t refused_by_fact = 0;
  std::uint32_t ruled_out_fast = 0;

  [[nodiscard]] bool empty() const { return unlabelled == 0 && requests == 0; }
};

struct LearnRecord {
  enum class Trial : std::uint8_t { kNone, kCheck, kTrial };  // what it says to the guard
  float weight = 1;
  Trial trial = Trial::kNone;
  bool wrong = false;            // of a check or trial
  std::uint64_t best_entry = 0;  // 0: its history stays as it is
  bool best_same = false;
  std::vector<SameAnswerLearner::Labelled> candidates;
};

// All that was learned until here: bytes of SameAnswerLearner::Save and BudgetGuard::Save.
struct LearnedRecord {
  std::uint64_t next_entry = 1;
  std::uint64_t refused_by_fact = 0;
  std::uint64_t ruled_out_fast = 0;
  std::string learner;
  std::string guard;
};

using SemanticRecord = std::variant<HeadRecord, InsertRecord, EraseRecord, ClearRecord, CountRecord,
                                    LearnRecord, LearnedRecord>;

[[nodiscard]] std::string Encode(const SemanticRecord& record);
// Errors: kDataLoss naming what is wrong. Never reads beyond the bytes, whatever they are.
[[nodiscard]] Result<SemanticRecord> Decode(std::string_view bytes);

}  // namespace assay::cache::internal
