#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/core/hash.h"

#include "checks/check_claims_internal.h"
#include "semantic/semantic_pool_internal.h"
#include "semantic/semantic_request_internal.h"

namespace assay::gateway {

SemanticRoute::SemanticRoute(const cache::SemanticOptions& options, const embed::Encoder& fast,
                             const embed::Encoder& precise,
                             std::unique_ptr<cache::SameQuestion> same_question)
    : fast_(fast),
      same_question_(std::move(same_question)),
      cache_(options, fast, precise, same_question_.get(), core::Rng::Real()) {}

SemanticLook SemanticRoute::Look(std::string_view body, std::string_view tenant,
                                 std::uint64_t route_version, std::int64_t now_ms) {
  SemanticLook look;
  const auto request = ReadSemanticRequest(body, tenant, route_version);
  if (!request) {
    look.reason = request.error().message;
    return look;
  }
  auto lookup = cache_.Find(request->context, request->question, now_ms);
  if (!lookup) {
    look.reason = lookup.error().message;
    return look;
  }
  look.lookup = *std::move(lookup);
  look.reason = look.lookup.reason;
  look.usable = true;
  return look;
}

void SemanticRoute::Take(const SemanticLook& look, std::string_view answer_json,
                         const core::Hash128& key, std::string_view tenant,
                         cache::TieredCache& answers, std::int64_t now_ms,
                         std::int64_t expires_ms) {
  if (!look.usable) return;
  const std::string answer = AnswerTextOf(answer_json);
  if (answer.empty()) return;  // a tool call: nothing to compare
  std::vector<std::optional<bool>> same;
  for (const cache::Candidate& candidate : look.lookup.candidates) {
    same.emplace_back();
    const cache::EntryRef entry = answers.GetMemory(candidate.answer, tenant, now_ms);
    if (!entry) continue;
    const auto judged = cache::SameAnswer(answer, AnswerTextOf(entry->body()), fast_);
    if (judged) same.back() = *judged;
  }
  const bool is_hit = look.lookup.served.has_value();
  const bool was_right = is_hit && same[*look.lookup.served] != std::optional(false);
  cache_.Learn(look.lookup, same);
  // A question that cannot be encoded is not found again; that is all.
  if (!was_right) (void)cache_.Insert(look.lookup, key, same, expires_ms);
}

Result<cache::SemanticRestore> SemanticRoute::Persist(const std::string& path) {
  return cache_.Persist(core::FileSystem::Real(), path, cache::OtherEncoders::kRebuild,
                        core::Clock::Real().wall_ns() / 1'000'000);
}

void SemanticRoute::LetGo() {
  // A failure leaves the file as a kill would have: whoever takes it over mends it.
  (void)cache_.LetGo();
}

void SemanticPool::TakeOver(const std::string& route, SemanticRoute& cache) {
  if (folder_.empty()) return;
  core::FileSystem& files = core::FileSystem::Real();
  const auto restored = [&]() -> Result<cache::SemanticRestore> {
    ASSAY_TRY(files.MakeDirectories(folder_));
    if (!folder_lock_) {
      ASSAY_ASSIGN(folder_lock_, core::FolderLock::Take(files, folder_, "the semantic cache",
                                                        "give each gateway a folder of its own"));
    }
    for (const Member& member : members_) {
      const std::shared_ptr<SemanticRoute> other = member.cache.lock();
      if (other && member.route == route) other->LetGo();
    }
    return cache.Persist(fmt::format("{}/{:016x}.semantic", folder_, core::HashBytes64(route)));
  }();
  if (!on_note_) return;
  if (!restored) {
    on_note_(route, "kept in memory only: " + restored.error().message, false);
  } else if (restored->entries > 0 || !restored->note.empty()) {
    const std::string note = fmt::format("{} questions taken over in {:.0f} ms", restored->entries,
                                         restored->seconds * 1e3);
    on_note_(route, restored->note.empty() ? note : note + "; " + restored->note,
             restored->note.empty());
  }
}

Result<std::shared_ptr<SemanticRoute>> SemanticPool::Get(const std::string& route,
                                                         const SemanticSettings& settings) {
  ASSAY_ASSIGN(const embed::Encoder* const fast, encoders_.Static());
  const embed::Encoder* precise = fast;
  if (settings.encoder != SemanticEncoder::kStatic) {
    ASSAY_ASSIGN(precise, encoders_.Transformer());
  }
  std::unique_ptr<cache::SameQuestion> same_question;
  if (settings.pair_model) {
    ASSAY_ASSIGN(const embed::CrossEncoder* const model, encoders_.Checker());
    if (model != nullptr && model->card().pair) {
      ASSAY_ASSIGN(same_question, cache::MakeSameQuestion(*model));
    }
  }
  const std::scoped_lock lock(mutex_);
  std::erase_if(members_, [](const Member& member) { return member.cache.expired(); });
  for (const Member& member : members_) {
    if (member.route != route || member.settings != settings) continue;
    if (std::shared_ptr<SemanticRoute> found = member.cache.lock()) return found;
  }
  cache::SemanticOptions options;
  options.risk.budget = settings.budget;
  options.risk.shadow_share = settings.shadow_share;
  options.max_entries = static_cast<std::size_t>(settings.max_entries);
  options.max_candidates = static_cast<std::size_t>(settings.max_candidates);
  auto made = std::make_shared<SemanticRoute>(options, *fast, *precise, std::move(same_question));
  TakeOver(route, *made);
  members_.push_back({.route = route, .settings = settings, .cache = made});
  return made;
}

std::vector<SemanticPool::View> SemanticPool::Views() const {
  const std::scoped_lock lock(mutex_);
  std::vector<View> views;
  for (const Member& member : members_) {
    const std::shared_ptr<SemanticRoute> cache = member.cache.lock();
    if (!cache) continue;
    std::erase_if(views, [&](const View& view) { return view.route == member.route; });
    views.push_back({member.route, cache->Stats()});
  }
  return views;
}

}  // namespace assay::gateway
