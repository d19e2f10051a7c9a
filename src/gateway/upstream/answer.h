// upstream/answer.h: what Assay needs to know of an upstream's JSON answer.
// Room: gateway (private).  Threads: safe; each thread keeps one parser.
#pragma once
#include <string>
#include <string_view>

#include "assay/core/result.h"

#include "upstream/provider.h"

namespace assay::gateway {

// Checks that all of `body` is one JSON value, and takes its `usage` out. O(bytes), about 1 us a
// kilobyte. Errors: kDataLoss, saying where it stops being JSON.
[[nodiscard]] Result<TokenUsage> CheckJsonAnswer(std::string_view body);

// Without a copy where the string's capacity reaches 64 bytes past its end.
[[nodiscard]] Result<TokenUsage> CheckJsonAnswer(const std::string& body);

// By its media type, whatever its parameters.
[[nodiscard]] bool IsEventStream(std::string_view content_type);

// An error in the shape of the OpenAI API:
// {"error":{"message":...,"type":...,"param":null,"code":...}}.
[[nodiscard]] std::string OpenAiErrorBody(std::string_view message, std::string_view type,
                                          std::string_view code);

}  // namespace assay::gateway
