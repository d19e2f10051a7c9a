// Asks a running gateway the questions of a file, so that their answers are in its cache.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"

namespace assay::cli {

struct WarmRequest {
  std::string path;  // such as "/v1/chat/completions"
  std::string body;  // JSON, never a stream
};

// One request a line: the body of a request, or an object with "url" and "body" as in the batch
// files of OpenAI. Errors: kInvalidArgument naming the line.
[[nodiscard]] Result<std::vector<WarmRequest>> ParseWarmFile(std::string_view text,
                                                             const std::string& name);

struct WarmOptions {
  std::string gateway;
  std::string token;
  std::size_t at_once = 4;
  int timeout_s = 600;
};

struct WarmReport {
  std::uint64_t asked = 0;
  std::uint64_t hits = 0;    // were in the cache already
  std::uint64_t misses = 0;  // asked upstream now
  std::uint64_t failed = 0;
  std::string first_failure;  // in words
};

// Waits as long as a 429 or 503 with `retry-after` says, a few times for each question.
// Errors: kInvalidArgument for a wrong URL.
[[nodiscard]] Result<WarmReport> Warm(
    const std::vector<WarmRequest>& requests, const WarmOptions& options,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress);

}  // namespace assay::cli
