// assay/cache/semantic/semantic_cache.h: answers for questions that were asked before in other
// words.
// Room: cache (uses core, embed, text, vector).  Threads: all methods may be called by many
// threads; one lock, not held while a text is encoded. Method: nearest questions by a static and a
// transformer encoder; each candidate is checked fact by fact (question.h) and judged by a model of
// P(same answer) that learns from the route's own traffic (same_answer.h). Related: vCache (arXiv
// 2502.03771), conformal risk control (arXiv 2208.02814).
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cache/semantic/question.h"
#include "assay/cache/semantic/same_answer.h"
#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/core/hash.h"
#include "assay/core/result.h"
#include "assay/embed/cross/cross_encoder.h"
#include "assay/embed/encoder.h"

namespace assay::cache {

// A model that reads both questions together, asked for a few candidates only. Threads: as Encoder.
class SameQuestion {
 public:
  virtual ~SameQuestion() = default;
  // P(same answer) in [0, 1]. A failure makes the candidate a refused one, never a hit.
  [[nodiscard]] virtual Result<double> Probability(std::string_view asked,
                                                   std::string_view cached) const = 0;
};

// The output `pair` of a cross-encoder, asked both ways round and averaged, so that the order of
// the questions does not count. `model` must outlive what is returned. Errors: kFailedPrecondition
// for a model whose card has no `pair`.
[[nodiscard]] Result<std::unique_ptr<SameQuestion>> MakeSameQuestion(
    const embed::CrossEncoder& model);

struct SemanticOptions {
  RiskOptions risk = {};
  std::size_t max_candidates = 8;   // that are judged, 1 to 64
  std::size_t max_entries = 20000;  // the oldest goes first
  // A context with more questions gets inverted lists (vector::Index), made beside everything else
  // by a thread of the cache; until then, and with fewer, each is compared.
  std::size_t index_above = 20000;
  float static_floor = 0.35F;  // cosine below which the transformer is not asked
  float floor = 0.6F;          // cosine of the transformer below which nothing is judged
  bool check_facts = true;
};

// One question that was near, and what was found.
struct Candidate {
  std::uint64_t entry = 0;  // its number in the cache
  core::Hash128 answer;     // as given to Insert
  std::uint64_t group = 0;  // entries of one group have the same answer
  std::string question;
  float cosine = 0;  // of the transformer
  float static_cosine = 0;
  double probability = 0;  // of the same answer
  bool refused = false;    // by a fact or a verifier that failed
  std::string reason;      // in words, why it is served or not
  PairFeatures features;
};

// One question on its way: what Find found, and what Learn and Insert need.
struct SemanticLookup {
  core::Hash128 context;
  Question question;
  std::vector<float> static_vector;
  std::vector<float> vector;          // empty: the static encoder ruled every match out
  std::vector<Candidate> candidates;  // nearest first
  std::optional<std::size_t> served;  // index in candidates
  std::optional<std::size_t> best;    // most probable one that no fact refuses
  bool check = false;                 // the hit was drawn: ask upstream too, then call Learn
  std::string reason;                 // in words: why it is a hit or a miss
};

struct SemanticStats {
  std::uint64_t entries = 0;
  std::uint64_t indexed = 0;  // of them found by inverted lists
  std::uint64_t requests = 0;
  std::uint64_t hits = 0;
  std::uint64_t refused_by_fact = 0;  // misses whose nearest question a fact refused
  std::uint64_t ruled_out_fast = 0;   // by the static encoder alone
  std::uint64_t checked = 0;          // hits whose answer was compared
  std::uint64_t wrong = 0;            // of those
  Interval false_hit_rate;            // wrong hits of all hits, 95%
  double error_rate = 0;              // estimated wrong hits of all requests
  double threshold = 0;
  bool calibrated = false;  // the threshold is the route's own
  bool open = true;         // false: the budget is spent, nothing is served
  bool alarm = false;       // the latest checks are worse than those before
  std::uint64_t file_bytes = 0;
  std::string file_error;  // why changes are not kept any more; empty: they are, or need not be
};

// What Persist does with a file that other encoders wrote: its vectors cannot be compared.
enum class OtherEncoders : std::uint8_t {
  kRefuse,
  kRebuild,  // encode its questions anew, about 2 ms each, and learn from the beginning
};

struct SemanticRestore {
  std::uint64_t entries = 0;
  std::uint64_t encoded = 0;  // of them anew
  bool learned = false;       // model, threshold and counts were taken over
  std::string note;           // what had to be mended, in words; empty: nothing
  double seconds = 0;
};

class SemanticCache {
 public:
  // The encoders and the verifier (which may be null) must outlive the cache. `rng` draws checks.
  // The destructor waits for lists that are being made: seconds for 100,000 questions.
  SemanticCache(const SemanticOptions& options, const embed::Encoder& fast,
                const embed::Encoder& precise, const SameQuestion* verifier, core::Rng& rng);
  ~SemanticCache();
  SemanticCache(const SemanticCache&) = delete;
  SemanticCache& operator=(const SemanticCache&) = delete;

  // A look-up that finds nothing and counts as none, for Insert alone (warming). Errors: those of
  // the encoders.
  [[nodiscard]] Result<SemanticLookup> Prepare(const core::Hash128& context,
                                               std::string_view question) const;

  // `context`: all that must be equal (tenant, route, system prompt, earlier turns, parameters).
  // `now_ms`: entries that expired before are not found. Errors: those of the encoders.
  [[nodiscard]] Result<SemanticLookup> Find(const core::Hash128& context, std::string_view question,
                                            std::int64_t now_ms = 0);

  // What became of a look-up that was a miss or drawn for a check: whether each candidate's answer
  // is that of the question (nullopt: unknown).
  void Learn(const SemanticLookup& lookup, std::span<const std::optional<bool>> same);

  // Remembers the question of a miss with its answer. It joins the group of the first candidate
  // with the same answer. Errors: those of the encoders, where the vector is not known yet.
  [[nodiscard]] Result<std::uint64_t> Insert(const SemanticLookup& lookup,
                                             const core::Hash128& answer,
                                             std::span<const std::optional<bool>> same,
                                             std::int64_t expires_ms = INT64_MAX);

  // Forgets entries whose answer is gone. O(entries).
  void Erase(const core::Hash128& answer);
  void Clear();

  [[nodiscard]] SemanticStats Stats() const;
  // Waits until no lists are being made: for measurements.
  void FinishIndexing();

  // Takes over what the file holds (entries that expired before `now_ms` are left out) and keeps
  // every later change in it; a missing file is created, its folder must exist. Call it once,
  // before anything is asked. A torn tail is cut; from damage on, the rest is dropped and the file
  // written anew. What was inserted survives `kill -9`, and a power failure after Sync(). The file
  // is written anew when more than half of it and 4 MiB are waste; requests wait meanwhile.
  // Format: docs/formats/semantic-cache.md. Errors: kFailedPrecondition for a file of another kind
  // or version, or of other encoders with kRefuse; those of the disk. Then nothing is kept.
  [[nodiscard]] Result<SemanticRestore> Persist(core::FileSystem& files, const std::string& path,
                                                OtherEncoders other, std::int64_t now_ms = 0);
  // All changes are on the disk. Errors: those of the disk; nothing where there is no file.
  [[nodiscard]] Result<void> Sync();
  // Syncs the file and keeps no later change, so that another cache can take it over. Errors: those
  // of the disk.
  [[nodiscard]] Result<void> LetGo();

  struct State;  // private to the room

 private:
  std::unique_ptr<State> state_;
};

// Whether two answers say the same. True: equal but for case, white space and punctuation, or near
// (cosine of the static encoder of 0.85 and more) without a fact that differs. False: far (below
// 0.60), or with other quantities, names, opposites or negations. nullopt: it cannot be said; then
// nothing is learned. Errors: those of the encoder. O(words squared) of the first 256 words.
[[nodiscard]] Result<std::optional<bool>> SameAnswer(std::string_view a, std::string_view b,
                                                     const embed::Encoder& fast);

// Why a request must never be answered by a similar one, in words; empty: it may. "today",
// "latest", "now", "this week": the answer depends on when it is asked. O(words).
[[nodiscard]] std::string TimeDependence(std::string_view question);

}  // namespace assay::cache
