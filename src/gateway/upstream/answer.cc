#include "upstream/answer.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <simdjson.h>

#include "upstream/http/request_head.h"

namespace assay::gateway {
namespace {

// Buffers grow to the largest answer of the thread; past this size they are given back.
constexpr std::size_t kKeepBytes = 1UL << 20;

std::uint64_t Count(const simdjson::dom::element& usage, const char* name) {
  std::uint64_t count = 0;
  return usage[name].get(count) == simdjson::SUCCESS ? count : 0;
}

Result<TokenUsage> Check(const char* data, std::size_t size, bool copy) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  const auto error = parser.parse(data, size, copy).get(root);
  if (error != simdjson::SUCCESS) {
    return Fail(Code::kDataLoss,
                fmt::format("the upstream's answer of {} bytes is not valid JSON: {}", size,
                            simdjson::error_message(error)));
  }
  TokenUsage usage;
  simdjson::dom::element found;
  if (root["usage"].get(found) == simdjson::SUCCESS) {
    usage.prompt_tokens = Count(found, "prompt_tokens");
    usage.completion_tokens = Count(found, "completion_tokens");
    usage.total_tokens = Count(found, "total_tokens");
  }
  if (parser.capacity() > kKeepBytes) parser = simdjson::dom::parser();
  return usage;
}

}  // namespace

Result<TokenUsage> CheckJsonAnswer(std::string_view body) {
  return Check(body.data(), body.size(), true);
}

Result<TokenUsage> CheckJsonAnswer(const std::string& body) {
  const bool padded = body.capacity() >= body.size() + simdjson::SIMDJSON_PADDING;
  return Check(body.data(), body.size(), !padded);
}

bool IsEventStream(std::string_view content_type) {
  constexpr std::string_view kType = "text/event-stream";
  return content_type.size() >= kType.size() &&
         std::equal(kType.begin(), kType.end(), content_type.begin(), [](char a, char b) {
           return a == std::tolower(static_cast<unsigned char>(b));
         });
}

std::string OpenAiErrorBody(std::string_view message, std::string_view type,
                            std::string_view code) {
  std::string body = R"({"error":{"message":)";
  AppendJsonString(body, message);
  body += R"(,"type":)";
  AppendJsonString(body, type);
  body += R"(,"param":null,"code":)";
  AppendJsonString(body, code);
  body += "}}";
  return body;
}

}  // namespace assay::gateway
