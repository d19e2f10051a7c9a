#include <algorithm>

#include <boost/json.hpp>

#include "checks/check_claims_internal.h"
#include "experts/given_internal.h"

namespace assay::gateway {
namespace {

namespace json = boost::json;

std::size_t CountOf(const std::vector<ClaimVerdict>& claims, std::string_view verdict) {
  return static_cast<std::size_t>(std::ranges::count(claims, verdict, &ClaimVerdict::verdict));
}

}  // namespace

std::size_t Circle::Given::Contradicted() const {
  return CountOf(claims, "contradicted");
}

double Circle::Given::SupportedShare() const {
  if (claims.empty()) return 1;
  return static_cast<double>(CountOf(claims, "supported")) / static_cast<double>(claims.size());
}

std::pair<double, double> Circle::Given::Rank() const {
  if (!good()) return {-2, 0};
  if (claims.empty()) return {0, 0};
  return {-static_cast<double>(Contradicted()) / static_cast<double>(claims.size()),
          SupportedShare()};
}

json::object Circle::Given::ToJson() const {
  json::object shown{{"expert", note.expert}};
  if (good()) {
    shown["text"] = text;
  } else {
    shown["error"] = note.error;
  }
  if (!verdict.empty()) shown["verdict"] = verdict;
  shown["latency_ms"] = static_cast<double>(note.duration_ns) / 1e6;
  shown["cost_usd"] = static_cast<double>(note.cost_nanousd) / 1e9;
  return shown;
}

Circle::Given TakeGiven(std::string expert, double weight, std::int64_t begin_ns,
                        Result<UpstreamReply> reply) {
  Circle::Given given;
  given.note.expert = std::move(expert);
  given.note.begin_ns = begin_ns;
  given.weight = weight;
  if (reply) {
    given.note.upstream = reply->upstream;
    given.note.status = reply->status;
    given.note.duration_ns = reply->total_ns;
    given.note.usage = {static_cast<std::uint32_t>(reply->usage.prompt_tokens),
                        static_cast<std::uint32_t>(reply->usage.completion_tokens)};
    if (reply->status == 200) given.text = AnswerTextOf(reply->body);
    if (given.text.empty()) given.note.error = "no text in the answer";
    if (reply->status != 200) given.note.error = "status " + std::to_string(reply->status);
  } else {
    given.note.error = reply.error().message;
  }
  given.reply = std::move(reply);
  return given;
}

std::string MergedAnswer(std::string_view answer_json, const std::string* text,
                         const TokenUsage& usage, json::object assay) {
  boost::system::error_code error;
  json::value parsed = json::parse(answer_json, error);
  if (error || !parsed.is_object()) return std::string(answer_json);
  json::object& answer = parsed.get_object();
  if (text != nullptr) {
    answer["choices"] = json::array{{{"index", 0},
                                     {"message", {{"role", "assistant"}, {"content", *text}}},
                                     {"finish_reason", "stop"}}};
  }
  answer["usage"] = {{"prompt_tokens", usage.prompt_tokens},
                     {"completion_tokens", usage.completion_tokens},
                     {"total_tokens", usage.total_tokens}};
  answer["assay"] = std::move(assay);
  constexpr std::size_t kReadPastEnd = 64;  // what simdjson may read past a text
  std::string written = json::serialize(answer);
  written.reserve(written.size() + kReadPastEnd);
  return written;
}

std::string HeaderName(std::string_view expert) {
  std::string out(expert.substr(0, 64));
  std::ranges::replace_if(out, [](char c) { return c < '!' || c > '~' || c == ';'; }, '?');
  return out;
}

}  // namespace assay::gateway
