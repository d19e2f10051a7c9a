#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "assay/cache/semantic/semantic_cache.h"

#include "openai/request_internal.h"
#include "semantic/semantic_request_internal.h"

namespace assay::gateway {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxJsonDepth = 64;
constexpr std::array<std::string_view, 4> kToolMembers = {"tools", "functions", "tool_choice",
                                                          "function_call"};

// Takes the text of the last message out. nullopt-like: an error in words.
Result<std::string> TakeQuestion(json::array& messages) {
  if (messages.empty() || !messages.back().is_object()) {
    return Fail(Code::kFailedPrecondition, "there is no last message");
  }
  json::object& last = messages.back().get_object();
  const json::value* const role = last.if_contains("role");
  if (role == nullptr || !role->is_string() || role->get_string() != "user") {
    return Fail(Code::kFailedPrecondition, "the last message is not the user's");
  }
  json::value* const content = last.if_contains("content");
  if (content == nullptr || !content->is_string()) {
    return Fail(Code::kFailedPrecondition, "the last message is not plain text");
  }
  std::string question(content->get_string());
  *content = nullptr;
  return question;
}

}  // namespace

Result<SemanticRequest> ReadSemanticRequest(std::string_view body, std::string_view tenant,
                                            std::uint64_t route_version) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::system::error_code error;
  json::value parsed = json::parse(body, error, {}, options);
  if (error || !parsed.is_object()) return Fail(Code::kInvalidArgument, "no chat request");
  json::object& request = parsed.get_object();
  for (const std::string_view member : kToolMembers) {
    if (request.contains(member)) {
      return Fail(Code::kFailedPrecondition, "tools take part in the answer");
    }
  }
  json::value* const messages = request.if_contains("messages");
  if (messages == nullptr || !messages->is_array()) {
    return Fail(Code::kInvalidArgument, "no chat request");
  }
  SemanticRequest out;
  ASSAY_ASSIGN(out.question, TakeQuestion(messages->get_array()));
  if (std::string reason = cache::TimeDependence(out.question); !reason.empty()) {
    return Fail(Code::kFailedPrecondition, std::move(reason));
  }
  std::vector<std::pair<std::string, std::string>> members;
  for (const json::key_value_pair& member : request) {
    const std::string_view name = member.key();
    if (!IsKeptFromKey(name)) members.emplace_back(name, json::serialize(member.value()));
  }
  std::ranges::sort(members);
  core::Hasher hasher;
  const auto add = [&hasher](std::string_view part) {
    const std::uint64_t size = part.size();
    hasher.Add({reinterpret_cast<const char*>(&size), sizeof(size)});
    hasher.Add(part);
  };
  add(tenant);
  add({reinterpret_cast<const char*>(&route_version), sizeof(route_version)});
  for (const auto& [name, value] : members) {
    add(name);
    add(value);
  }
  out.context = hasher.Digest128();
  return out;
}

}  // namespace assay::gateway
