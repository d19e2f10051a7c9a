#include <algorithm>
#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "openai/edit_internal.h"

namespace assay::gateway {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 1024;   // the reader of requests has a limit of its own
constexpr std::size_t kReadPastEnd = 64;  // what simdjson may read past a text

Result<json::object> ParseObject(std::string_view text, std::string_view what) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  json::value parsed = json::parse(text, error, {}, options);
  if (error || !parsed.is_object()) {
    return Fail(Code::kInvalidArgument, fmt::format("{} is no JSON object", what));
  }
  return std::move(parsed.as_object());
}

}  // namespace

void AddSystemPrompt(std::string_view system, json::array& messages) {
  json::object* first = messages.empty() ? nullptr : messages.front().if_object();
  const json::value* role = first == nullptr ? nullptr : first->if_contains("role");
  const bool has_system = role != nullptr && role->is_string() &&
                          (role->get_string() == "system" || role->get_string() == "developer");
  json::value* content = has_system ? first->if_contains("content") : nullptr;
  if (content != nullptr && content->is_string()) {
    *content = fmt::format("{}\n\n{}", system, std::string_view(content->get_string()));
    return;
  }
  messages.insert(messages.begin(), json::object{{"role", "system"}, {"content", system}});
}

Result<std::string> EditRequest(std::string_view body, Endpoint endpoint, const RequestEdit& edit) {
  ASSAY_ASSIGN(json::object request, ParseObject(body, "the body"));
  if (!edit.model.empty()) request["model"] = edit.model;
  if (edit.temperature >= 0) request["temperature"] = edit.temperature;
  if (!edit.system.empty() && endpoint == Endpoint::kChat) {
    json::value* const messages = request.if_contains("messages");
    if (messages == nullptr || !messages->is_array()) {
      return Fail(Code::kInvalidArgument, "'messages' is no array");
    }
    AddSystemPrompt(edit.system, messages->get_array());
  }
  if (!edit.fields.empty()) {
    ASSAY_ASSIGN(const json::object fields, ParseObject(edit.fields, "'fields'"));
    for (const auto& member : fields) request[member.key()] = member.value();
  }
  std::string written = json::serialize(request);
  written.reserve(written.size() + kReadPastEnd);
  return written;
}

Result<void> CheckEditFields(std::string_view fields) {
  static constexpr std::array<std::string_view, 10> kNotHere = {
      "model",          "messages", "prompt",  "input", "stream",
      "stream_options", "n",        "best_of", "user",  "metadata"};
  ASSAY_ASSIGN(const json::object parsed, ParseObject(fields, "it"));
  for (const auto& member : parsed) {
    if (std::ranges::find(kNotHere, std::string_view(member.key())) != kNotHere.end()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("'{}' cannot be changed here", std::string_view(member.key())));
    }
  }
  return {};
}

}  // namespace assay::gateway
