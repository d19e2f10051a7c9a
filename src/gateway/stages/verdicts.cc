// Verdicts of cached answers: valid while the documents are those by which they were found.
#include <algorithm>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "assay/core/hash.h"

#include "checks/check_claims_internal.h"
#include "stages/pipeline_state_internal.h"

namespace assay::gateway {

std::string StoredVerdict(std::string_view verdict, std::string_view documents_version) {
  // What was not checked is looked at again when it is asked for.
  if (documents_version.empty() || verdict.empty() || verdict == kUnchecked) return {};
  return fmt::format("{}\n{}", verdict, documents_version);
}

bool IsJudgedBy(const cache::Entry& entry, std::string_view documents_version) {
  if (documents_version.empty()) return true;  // the route judges nothing
  const std::string_view verdict = entry.verdict();
  const std::size_t line_end = verdict.find('\n');
  return line_end != std::string_view::npos && verdict.substr(line_end + 1) == documents_version;
}

void AppendEntryFields(const cache::Entry& entry, std::int64_t now_ms,
                       std::string_view documents_version, std::string& fields) {
  const std::int64_t age_s = std::max<std::int64_t>(0, now_ms - entry.info().stored_ms) / 1000;
  const fmt::format_int age(age_s);
  fields.append("age: ").append(age.data(), age.size()).append("\r\n");
  if (documents_version.empty() || !IsJudgedBy(entry, documents_version)) return;
  const std::string_view verdict = entry.verdict();
  fields.append("x-assay-verdict: ").append(verdict.substr(0, verdict.find('\n'))).append("\r\n");
}

// What a cached answer was judged to be.
struct Pipeline::Rechecked {
  cache::EntryRef entry;  // with the new verdict; null: it was not stored
  CheckOutcome outcome;
};

// By this one alone. Null: its client has left.
boost::asio::awaitable<std::shared_ptr<const Pipeline::Rechecked>> Pipeline::Judge(
    Miss& miss, const cache::EntryRef& entry) {
  Exchange& exchange = miss.exchange;
  auto found = std::make_shared<Rechecked>();
  const std::int64_t now_ms = core::Clock::Real().wall_ns() / 1'000'000;
  cache::EntryRef there = parts_.cache->GetMemory(entry->key(), exchange.tenant, now_ms);
  const bool same = there && there->info().stored_ms == entry->info().stored_ms;
  if (same && IsJudgedBy(*there, miss.route->documents_version)) {
    found->entry = std::move(there);  // since this one looked
    co_return found;
  }
  const std::int64_t begin_ns = core::Clock::Real().monotonic_ns();
  found->outcome =
      co_await CheckAnswer(*miss.route->checker, *parts_.compute, exchange.body, entry->body());
  miss.NoteStage(Stage::kCheckClaims, begin_ns);
  if (exchange.cancelled) co_return nullptr;
  if (found->outcome.verdict == kUnchecked) co_return found;
  exchange.rechecked = true;
  const std::string verdict = StoredVerdict(found->outcome.verdict, miss.route->documents_version);
  cache::EntryText text = entry->text();
  text.verdict = verdict;
  const auto renewed = cache::Entry::Make(entry->key(), entry->info(), text);
  if (!renewed) co_return found;  // no memory: the next hit tries again
  const std::int64_t judged_ms = core::Clock::Real().wall_ns() / 1'000'000;
  there = parts_.cache->GetMemory(entry->key(), exchange.tenant, judged_ms);
  // Nobody may lose a newer answer for a newer verdict.
  if (!there || there->info().stored_ms <= entry->info().stored_ms) {
    parts_.cache->Put(*renewed, judged_ms);
  }
  found->entry = *renewed;
  co_return found;
}

boost::asio::awaitable<void> Pipeline::Recheck(Miss& miss, LowerHit& hit) {
  const auto executor = co_await boost::asio::this_coro::executor;
  core::Hasher hasher;
  hasher.Add(core::ToHex(hit.entry->key()));
  hasher.Add(fmt::format(" {} ", hit.entry->info().stored_ms));
  hasher.Add(miss.route->documents_version);
  const core::Hash128 key = hasher.Digest128();
  std::shared_ptr<const Rechecked> found;
  while (!found && !miss.exchange.cancelled) {
    const auto waiter = std::make_shared<HandOver<std::shared_ptr<const Rechecked>>>(executor);
    SharedWork<Rechecked>::Seat seat(rechecks_, key, waiter);
    if (seat.leads()) {
      found = co_await Judge(miss, hit.entry);
      seat.End(found);
    } else {
      found = co_await waiter->Take();
    }
  }
  miss.verdict_field = found ? found->outcome.verdict : kUnchecked;
  if (!found) co_return;
  miss.exchange.verdicts = found->outcome.claims;
  if (!found->entry) co_return;
  miss.verdict_field.clear();  // the entry says it
  hit.entry = found->entry;
}

}  // namespace assay::gateway
