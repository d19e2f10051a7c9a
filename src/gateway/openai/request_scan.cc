#include <algorithm>
#include <charconv>

#include "openai/json_scan_internal.h"
#include "openai/request_internal.h"

namespace assay::gateway {
namespace {

double NumberOr(std::string_view json, double otherwise) {
  double value = 0;
  const auto [end, error] = std::from_chars(json.data(), json.data() + json.size(), value);
  return error == std::errc() && end == json.data() + json.size() ? value : otherwise;
}

// stream_options.include_usage; false to give up.
bool ScanStreamOptions(std::string_view json, RequestFacts& facts) {
  facts.stream_usage = false;
  JsonObjectScan scan(json, 1);
  JsonMember member;
  while (scan.Next(member)) {
    if (member.name == "include_usage") facts.stream_usage |= member.value == "true";
  }
  return scan.whole() || json == "null";
}

// What a request must say, as far as it was seen.
struct Seen {
  bool messages = false;
  bool prompt = false;
  bool input = false;
  bool stream = false;

  [[nodiscard]] bool Enough(Endpoint endpoint) const {
    return endpoint == Endpoint::kChat          ? messages
           : endpoint == Endpoint::kCompletions ? prompt
                                                : input;
  }
};

// False to give up.
bool ScanMember(const JsonMember& member, std::string_view body, Seen& seen, RequestFacts& facts) {
  const std::string_view value = member.value;
  if (member.name == "model") {
    const std::string_view model = PlainJsonString(value);
    if (model.empty() || facts.model_bytes != 0) return false;
    facts.model.assign(model);
    facts.model_offset = static_cast<std::size_t>(value.data() - body.data());
    facts.model_bytes = value.size();
  } else if (member.name == "user") {
    if (!value.starts_with('"')) return true;
    const std::string_view user = PlainJsonString(value);
    if (user.empty() && value != R"("")") return false;  // with escapes
    facts.user.assign(user);
  } else if (member.name == "messages") {
    seen.messages = value.front() == '[';
  } else if (member.name == "prompt") {
    seen.prompt = value != "null";
  } else if (member.name == "input") {
    seen.input = value != "null";
  } else if (member.name == "stream") {
    if (seen.stream || (value != "true" && value != "false" && value != "null")) return false;
    seen.stream = true;
    facts.stream = value == "true";
  } else if (member.name == "stream_options") {
    return ScanStreamOptions(value, facts);
  } else {
    NoteNumber(member.name, value, facts);
  }
  return true;
}

}  // namespace

void ResetFacts(RequestFacts& facts) {
  facts.model.clear();
  facts.user.clear();
  facts.model_offset = facts.model_bytes = 0;
  facts.stream = facts.stream_usage = facts.has_seed = false;
  facts.choices = 1;
  facts.temperature.reset();
  facts.max_tokens = 0;
}

void NoteNumber(std::string_view name, std::string_view json, RequestFacts& facts) {
  if (name == "n" || name == "best_of") {
    facts.choices =
        std::max(facts.choices, static_cast<std::int64_t>(std::clamp(NumberOr(json, 1), 1.0, 1e6)));
  } else if (name == "temperature") {
    constexpr double kNone = -1e300;
    const double temperature = NumberOr(json, kNone);
    facts.temperature = temperature == kNone ? std::nullopt : std::optional(temperature);
  } else if (name == "seed") {
    facts.has_seed = json != "null";
  } else if (name == "max_tokens" || name == "max_completion_tokens") {
    facts.max_tokens = static_cast<std::int64_t>(std::clamp(NumberOr(json, 0), 0.0, 1e9));
  }
}

bool ScanRequest(Endpoint endpoint, std::string_view body, std::size_t max_depth,
                 RequestFacts& facts) {
  ResetFacts(facts);
  Seen seen;
  // Values count in max_depth, also those that hold no others.
  JsonObjectScan scan(body, max_depth - std::min<std::size_t>(1, max_depth));
  JsonMember member;
  while (scan.Next(member)) {
    if (!ScanMember(member, body, seen, facts)) return false;
  }
  return scan.whole() && facts.model_bytes != 0 && seen.Enough(endpoint);
}

}  // namespace assay::gateway
