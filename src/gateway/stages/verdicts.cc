// Verdicts of cached answers: valid while the documents are those by which they were found.
#include <algorithm>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it

#include <fmt/format.h>

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

boost::asio::awaitable<void> Pipeline::Recheck(Miss& miss, LowerHit& hit) {
  Exchange& exchange = miss.exchange;
  const std::int64_t begin_ns = core::Clock::Real().monotonic_ns();
  CheckOutcome checked =
      co_await CheckAnswer(*miss.route->checker, *parts_.compute, exchange.body, hit.entry->body());
  miss.NoteStage(Stage::kCheckClaims, begin_ns);
  exchange.verdicts = std::move(checked.claims);
  if (checked.verdict == kUnchecked) {
    miss.verdict_field = kUnchecked;
    co_return;
  }
  exchange.rechecked = true;
  const std::string verdict = StoredVerdict(checked.verdict, miss.route->documents_version);
  cache::EntryText text = hit.entry->text();
  text.verdict = verdict;
  const auto renewed = cache::Entry::Make(hit.entry->key(), hit.entry->info(), text);
  if (!renewed) {  // no memory: the next hit tries again
    miss.verdict_field = checked.verdict;
    co_return;
  }
  const std::int64_t now_ms = core::Clock::Real().wall_ns() / 1'000'000;
  const cache::EntryRef there = parts_.cache->GetMemory(hit.entry->key(), exchange.tenant, now_ms);
  // Nobody may lose a newer answer for a newer verdict.
  if (!there || there->info().stored_ms <= hit.entry->info().stored_ms) {
    parts_.cache->Put(*renewed, now_ms);
  }
  hit.entry = *renewed;
}

}  // namespace assay::gateway
