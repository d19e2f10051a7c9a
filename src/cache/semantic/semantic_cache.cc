#include "assay/cache/semantic/semantic_cache.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "semantic/judge_internal.h"
#include "semantic/state_internal.h"

namespace assay::cache {
namespace {

using internal::Entry;
using internal::Near;
using internal::NearId;
using internal::Partition;

// How many of the static encoder's nearest are looked at for the floor: only the first counts.
constexpr std::size_t kFastLook = 1;

}  // namespace

namespace {

Result<std::vector<float>> EncodeOne(const embed::Encoder& encoder, std::string_view text) {
  std::vector<float> vector(encoder.dim());
  const std::array<std::string_view, 1> texts = {text};
  ASSAY_TRY(encoder.Encode(texts, vector));
  return vector;
}

}  // namespace

// Whether the static encoder leaves a match possible; counts the request where it does not.
Result<bool> SemanticCache::State::LookFast(SemanticLookup& lookup) {
  ASSAY_ASSIGN(const auto hits,
               Nearest(lookup.context, Which::kFast, lookup.static_vector, kFastLook));
  if (hits && !hits->empty() && hits->front().cosine >= options.static_floor) return true;
  const std::scoped_lock lock(mutex);
  ++ruled_out_fast;
  if (file) ++file->counts.ruled_out_fast;
  CountRequest(false);
  CountUnlabelled();
  lookup.reason =
      hits ? "no cached question is near" : "no question was asked in this context before";
  return false;
}

Result<std::vector<Near>> SemanticCache::State::Collect(const SemanticLookup& lookup,
                                                        std::int64_t now_ms) const {
  ASSAY_ASSIGN(const auto hits,
               Nearest(lookup.context, Which::kPrecise, lookup.vector, options.max_candidates));
  std::vector<Near> near;
  const std::scoped_lock lock(mutex);
  const auto found = partitions.find(lookup.context);
  if (!hits || found == partitions.end()) return near;
  const Partition& partition = found->second;
  for (const NearId& hit : *hits) {
    if (hit.cosine < options.floor) break;
    const auto at = entries.find(hit.id);
    if (at == entries.end() || at->second.expires_ms <= now_ms) continue;
    const Entry& entry = at->second;
    Near one{.candidate = {}, .question = entry.question};
    one.candidate.entry = hit.id;
    one.candidate.answer = entry.answer;
    one.candidate.group = entry.group;
    one.candidate.question = entry.question->text;
    one.candidate.cosine = hit.cosine;
    ASSAY_ASSIGN(one.candidate.static_cosine,
                 partition.fast.Score(lookup.static_vector, entry.row));
    internal::AddHistory(entry.right, entry.wrong, one.candidate.features);
    near.push_back(std::move(one));
  }
  return near;
}

// Facts and, where there is one, the verifier; no lock is held.
Result<void> SemanticCache::State::Judge(const SemanticLookup& lookup,
                                         std::vector<Near>& near) const {
  constexpr float kLogitUnit = 4;
  for (Near& one : near) {
    Candidate& candidate = one.candidate;
    ASSAY_ASSIGN(const Agreement agreement, Compare(lookup.question, *one.question, &fast));
    internal::AddPair(lookup.question, *one.question, agreement, candidate.cosine,
                      candidate.static_cosine, options.check_facts, candidate.features);
    if (options.check_facts && Decides(agreement)) {
      candidate.refused = true;
      candidate.reason = Describe(agreement.differences.front());
      continue;
    }
    if (verifier == nullptr) continue;
    const auto probability = verifier->Probability(lookup.question.text, one.question->text);
    if (!probability) {
      candidate.refused = true;
      candidate.reason = "the verifier failed: " + probability.error().message;
      continue;
    }
    const double p = std::clamp(*probability, 1e-6, 1 - 1e-6);
    candidate.features[PairFeature::kPairModel] =
        static_cast<float>(std::log(p / (1 - p))) / kLogitUnit;
  }
  return {};
}

void SemanticCache::State::Decide(SemanticLookup& lookup) {
  const std::scoped_lock lock(mutex);
  for (std::size_t i = 0; i < lookup.candidates.size(); ++i) {
    Candidate& candidate = lookup.candidates[i];
    candidate.probability = learner.Probability(candidate.features);
    if (candidate.refused) continue;
    candidate.reason = fmt::format("similarity {:.2f}, same answer with probability {:.2f}",
                                   candidate.cosine, candidate.probability);
    if (!lookup.best || candidate.probability > lookup.candidates[*lookup.best].probability) {
      lookup.best = i;
    }
  }
  const bool likely =
      lookup.best.has_value() && lookup.candidates[*lookup.best].probability >= learner.threshold();
  if (likely && guard.open()) {
    lookup.served = lookup.best;
    lookup.check = rng.NextUnit() < options.risk.shadow_share;
  }
  CountRequest(lookup.served.has_value());
  if (lookup.served && !lookup.check) CountUnlabelled();
  if (lookup.candidates.empty()) {
    CountUnlabelled();
    lookup.reason = "no cached question is near";
  } else if (lookup.candidates[0].refused && !lookup.served) {
    ++refused_by_fact;
    if (file) ++file->counts.refused_by_fact;
    lookup.reason = lookup.candidates[0].reason;
  } else if (likely && !lookup.served) {
    lookup.reason = "closed: too many of the checked hits were wrong";
  } else {
    const Candidate& candidate = lookup.candidates[lookup.best.value_or(0)];
    lookup.reason = lookup.served ? candidate.reason
                                  : fmt::format("{}, {:.2f} is asked for", candidate.reason,
                                                std::min(learner.threshold(), 1.0));
  }
}

void SemanticCache::State::CountRequest(bool is_hit) {
  guard.CountRequest(is_hit);
  if (!file) return;
  ++file->counts.requests;
  file->counts.hits += is_hit ? 1 : 0;
}

void SemanticCache::State::CountUnlabelled() {
  learner.AddUnlabelled();
  if (file) ++file->counts.unlabelled;
}

void SemanticCache::State::Learn(const internal::LearnRecord& record) {
  if (const auto it = entries.find(record.best_entry); it != entries.end()) {
    ++(record.best_same ? it->second.right : it->second.wrong);
  }
  if (record.trial == internal::LearnRecord::Trial::kCheck) guard.AddCheck(record.wrong);
  if (record.trial == internal::LearnRecord::Trial::kTrial) guard.AddTrial(record.wrong);
  learner.AddLabelled(record.candidates, record.weight);
}

void SemanticCache::State::Put(Entry entry, const internal::StoredRow& fast_row,
                               const internal::StoredRow& precise_row, std::uint64_t id) {
  Partition& partition =
      partitions.try_emplace(entry.context, fast.dim(), precise.dim()).first->second;
  entry.row = partition.ids.size();
  partition.fast.Append(fast_row);
  partition.precise.Append(precise_row);
  partition.ids.push_back(id);
  const core::Hash128 context = entry.context;
  entries.emplace(id, std::move(entry));
  IndexPut(partition, context, id, fast_row, precise_row);
}

void SemanticCache::State::Remove(std::map<std::uint64_t, Entry>::iterator it) {
  const Entry& entry = it->second;
  Partition& partition = partitions.at(entry.context);
  partition.fast.EraseBySwap(entry.row);
  partition.precise.EraseBySwap(entry.row);
  if (partition.index) partition.index->Erase(it->first);
  const std::uint64_t moved = partition.ids.back();
  partition.ids[entry.row] = moved;
  partition.ids.pop_back();
  if (moved != it->first) entries.at(moved).row = entry.row;
  if (partition.ids.empty()) partitions.erase(entry.context);
  entries.erase(it);
}

SemanticCache::SemanticCache(const SemanticOptions& options, const embed::Encoder& fast,
                             const embed::Encoder& precise, const SameQuestion* verifier,
                             core::Rng& rng)
    : state_(std::make_unique<State>(options, fast, precise, verifier, rng)) {}

SemanticCache::~SemanticCache() {
  const std::scoped_lock lock(state_->mutex);
  state_->LogCounts();
}

Result<SemanticLookup> SemanticCache::Prepare(const core::Hash128& context,
                                              std::string_view question) const {
  SemanticLookup lookup;
  lookup.context = context;
  lookup.question = ReadQuestion(question);
  ASSAY_ASSIGN(lookup.static_vector, EncodeOne(state_->fast, lookup.question.text));
  return lookup;
}

Result<SemanticLookup> SemanticCache::Find(const core::Hash128& context, std::string_view question,
                                           std::int64_t now_ms) {
  ASSAY_ASSIGN(SemanticLookup lookup, Prepare(context, question));
  ASSAY_ASSIGN(const bool is_possible, state_->LookFast(lookup));
  if (!is_possible) return lookup;
  ASSAY_ASSIGN(lookup.vector, EncodeOne(state_->precise, lookup.question.text));
  ASSAY_ASSIGN(std::vector<Near> near, state_->Collect(lookup, now_ms));
  ASSAY_TRY(state_->Judge(lookup, near));
  for (Near& one : near) lookup.candidates.push_back(std::move(one.candidate));
  internal::AddNeighbours(lookup.candidates);
  state_->Decide(lookup);
  return lookup;
}

void SemanticCache::Learn(const SemanticLookup& lookup, std::span<const std::optional<bool>> same) {
  const std::scoped_lock lock(state_->mutex);
  internal::LearnRecord record;
  for (std::size_t i = 0; i < std::min(same.size(), lookup.candidates.size()); ++i) {
    if (!same[i].has_value()) continue;
    const Candidate& candidate = lookup.candidates[i];
    record.candidates.push_back(
        {candidate.features, *same[i], lookup.best == i, candidate.refused});
    if (lookup.best != i) continue;
    record.best_entry = candidate.entry;
    record.best_same = *same[i];
    record.wrong = !*same[i];
    if (lookup.served) {
      record.trial = internal::LearnRecord::Trial::kCheck;
    } else if (candidate.probability >= state_->learner.threshold()) {
      record.trial = internal::LearnRecord::Trial::kTrial;
    }
  }
  const double share = state_->options.risk.shadow_share;
  record.weight = lookup.served ? static_cast<float>(1 / share) : 1.0F;
  state_->LogCounts();
  state_->Log(record);
  state_->Learn(record);
  state_->Compact();
}

Result<std::uint64_t> SemanticCache::Insert(const SemanticLookup& lookup,
                                            const core::Hash128& answer,
                                            std::span<const std::optional<bool>> same,
                                            std::int64_t expires_ms) {
  std::vector<float> vector = lookup.vector;
  if (vector.empty()) {
    ASSAY_ASSIGN(vector, EncodeOne(state_->precise, lookup.question.text));
  }
  ASSAY_ASSIGN(const internal::StoredRow fast_row, internal::Quantized(lookup.static_vector));
  ASSAY_ASSIGN(const internal::StoredRow precise_row, internal::Quantized(vector));
  auto question = std::make_shared<const Question>(lookup.question);
  const std::scoped_lock lock(state_->mutex);
  const std::uint64_t id = state_->next_entry++;
  Entry entry{.context = lookup.context,
              .answer = answer,
              .question = std::move(question),
              .group = id,
              .expires_ms = expires_ms};
  for (std::size_t i = 0; i < std::min(same.size(), lookup.candidates.size()); ++i) {
    if (same[i] != std::optional(true)) continue;
    entry.group = lookup.candidates[i].group;
    break;
  }
  state_->Put(std::move(entry), fast_row, precise_row, id);
  if (state_->file) state_->Log(state_->RecordOf(id, state_->entries.at(id)));
  if (state_->entries.size() > state_->options.max_entries) {
    const auto oldest = state_->entries.begin();
    state_->Log(internal::EraseRecord{oldest->first});
    state_->Remove(oldest);
  }
  state_->Compact();
  return id;
}

void SemanticCache::Erase(const core::Hash128& answer) {
  const std::scoped_lock lock(state_->mutex);
  for (auto it = state_->entries.begin(); it != state_->entries.end();) {
    const auto next = std::next(it);
    if (it->second.answer == answer) {
      state_->Log(internal::EraseRecord{it->first});
      state_->Remove(it);
    }
    it = next;
  }
}

void SemanticCache::Clear() {
  const std::scoped_lock lock(state_->mutex);
  state_->Log(internal::ClearRecord{});
  state_->entries.clear();
  state_->partitions.clear();
}

SemanticStats SemanticCache::Stats() const {
  const std::scoped_lock lock(state_->mutex);
  const internal::BudgetGuard& guard = state_->guard;
  SemanticStats stats;
  stats.entries = state_->entries.size();
  for (const core::Hash128& context : state_->indexed) {
    const auto found = state_->partitions.find(context);
    if (found == state_->partitions.end()) continue;
    const Partition& partition = found->second;
    if (partition.index && partition.index->ready) stats.indexed += partition.ids.size();
  }
  stats.requests = guard.requests();
  stats.hits = guard.hits();
  stats.refused_by_fact = state_->refused_by_fact;
  stats.ruled_out_fast = state_->ruled_out_fast;
  stats.checked = guard.checked();
  stats.wrong = guard.wrong();
  stats.false_hit_rate = ClopperPearson(stats.wrong, stats.checked);
  if (stats.checked > 0) {
    stats.error_rate =
        guard.HitShare() * static_cast<double>(stats.wrong) / static_cast<double>(stats.checked);
  }
  stats.threshold = state_->learner.threshold();
  stats.calibrated = state_->learner.calibrated();
  stats.open = guard.open();
  stats.alarm = guard.alarm();
  if (state_->file) {
    stats.file_bytes = state_->file->writer ? state_->file->writer->size_bytes() : 0;
    stats.file_error = state_->file->error;
  }
  return stats;
}

}  // namespace assay::cache
