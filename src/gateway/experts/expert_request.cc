#include <algorithm>
#include <array>

#include <boost/json.hpp>

#include "experts/circle_internal.h"
#include "openai/edit_internal.h"

namespace assay::gateway {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 256;  // the reader of requests has a limit of its own

bool Says(const json::object& request, std::string_view name) {
  const json::value* member = request.if_contains(name);
  if (member == nullptr || member->is_null()) return false;
  if (member->is_bool()) return member->get_bool();
  return !member->is_array() || !member->get_array().empty();
}

bool SeveralChoices(const json::object& request) {
  const json::value* n = request.if_contains("n");
  return n != nullptr && n->is_number() && n->to_number<double>() > 1;
}

}  // namespace

std::optional<CircleRequest> Circle::Read(std::string_view request_json) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  json::value parsed = json::parse(request_json, error, {}, options);
  if (error || !parsed.is_object()) return std::nullopt;
  CircleRequest request{.body = std::move(parsed.as_object())};
  constexpr std::array<std::string_view, 4> kOneExpert = {"tools", "functions", "logprobs",
                                                          "audio"};
  if (std::ranges::any_of(kOneExpert,
                          [&](std::string_view name) { return Says(request.body, name); }) ||
      SeveralChoices(request.body)) {
    return std::nullopt;
  }
  const json::value* messages = request.body.if_contains("messages");
  if (messages == nullptr || !messages->is_array()) return std::nullopt;
  request.whole = Says(request.body, "response_format");
  return request;
}

std::string ExpertRequest(const json::object& request, const ExpertSettings& expert) {
  json::object own = request;
  if (!expert.model.empty()) own["model"] = expert.model;
  if (expert.temperature >= 0) own["temperature"] = expert.temperature;
  if (!expert.system.empty()) AddSystemPrompt(expert.system, own["messages"].as_array());
  own.erase("stream");
  own.erase("stream_options");
  return json::serialize(own);
}

}  // namespace assay::gateway
