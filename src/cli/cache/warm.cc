#include "cache/warm.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "http/http_client.h"

namespace assay::cli {
namespace {

namespace json = boost::json;

constexpr int kTries = 5;
constexpr std::int64_t kLongestWaitS = 60;
constexpr int kTooManyRequests = 429;
constexpr int kUnavailable = 503;
constexpr std::size_t kShownBytes = 200;

std::string_view PathFor(const json::object& body) {
  if (body.contains("messages")) return "/v1/chat/completions";
  if (body.contains("prompt")) return "/v1/completions";
  return body.contains("input") ? "/v1/embeddings" : "";
}

Result<WarmRequest> ParseLine(std::string_view line, const std::string& where) {
  boost::system::error_code error;
  json::value value = json::parse({line.data(), line.size()}, error);
  if (error || !value.is_object()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: no JSON object ({})", where, error ? error.message() : "other"));
  }
  json::object body = value.get_object();
  std::string path;
  if (const json::value* url = body.if_contains("url"); url != nullptr && url->is_string()) {
    const json::value* inner = body.if_contains("body");
    if (inner == nullptr || !inner->is_object()) {
      return Fail(Code::kInvalidArgument, fmt::format("{}: has a \"url\" and no \"body\"", where));
    }
    path = url->get_string().c_str();
    json::object copy = inner->get_object();
    body = std::move(copy);
  } else {
    path = PathFor(body);
  }
  if (!path.starts_with("/v1/")) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: is no request: it has neither \"messages\", \"prompt\" nor "
                            "\"input\", and no \"url\" that begins with /v1/",
                            where));
  }
  body.erase("stream");  // the answer in the cache is the same, and here nobody reads along
  body.erase("stream_options");
  return WarmRequest{std::move(path), json::serialize(body)};
}

// What the threads share.
class Run {
 public:
  Run(const std::vector<WarmRequest>& requests, const WarmOptions& options, HttpTarget target,
      const std::function<void(std::uint64_t, std::uint64_t)>& progress)
      : requests_(requests), options_(options), target_(std::move(target)), progress_(progress) {}

  void Work() {
    HttpClient client(target_, options_.token, options_.timeout_s);
    while (true) {
      std::size_t mine = 0;
      {
        const std::scoped_lock lock(mutex_);
        if (next_ == requests_.size()) return;
        mine = next_++;
      }
      const Result<HttpAnswer> answer = Ask(client, requests_[mine]);
      const std::scoped_lock lock(mutex_);
      Count(answer);
      progress_(report_.asked, requests_.size());
    }
  }
  [[nodiscard]] WarmReport report() const { return report_; }

 private:
  static Result<HttpAnswer> Ask(HttpClient& client, const WarmRequest& request) {
    for (int tries = 1;; ++tries) {
      Result<HttpAnswer> answer = client.Post(request.path, request.body);
      const bool busy = answer && (answer->status == kTooManyRequests ||
                                   (answer->status == kUnavailable && answer->retry_after_s > 0));
      if (!busy || tries == kTries) return answer;
      std::this_thread::sleep_for(
          std::chrono::seconds(std::clamp<std::int64_t>(answer->retry_after_s, 1, kLongestWaitS)));
    }
  }

  void Count(const Result<HttpAnswer>& answer) {
    ++report_.asked;
    if (answer && answer->status == 200) {
      ++(answer->cache.starts_with("hit") ? report_.hits : report_.misses);
      return;
    }
    ++report_.failed;
    if (!report_.first_failure.empty()) return;
    report_.first_failure = answer ? fmt::format("the gateway answered {}: {}", answer->status,
                                                 answer->body.substr(0, kShownBytes))
                                   : answer.error().message;
  }

  const std::vector<WarmRequest>& requests_;
  const WarmOptions& options_;
  const HttpTarget target_;
  const std::function<void(std::uint64_t, std::uint64_t)>& progress_;
  std::mutex mutex_;
  std::size_t next_ = 0;
  WarmReport report_;
};

}  // namespace

Result<std::vector<WarmRequest>> ParseWarmFile(std::string_view text, const std::string& name) {
  std::vector<WarmRequest> requests;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    ASSAY_ASSIGN(WarmRequest request, ParseLine(line, fmt::format("{}, line {}", name, number)));
    requests.push_back(std::move(request));
  }
  return requests;
}

Result<WarmReport> Warm(const std::vector<WarmRequest>& requests, const WarmOptions& options,
                        const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  ASSAY_ASSIGN(HttpTarget target, HttpTarget::Parse(options.gateway));
  Run run(requests, options, std::move(target), progress);
  const std::size_t count = std::clamp<std::size_t>(options.at_once, 1, requests.size() + 1);
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < count; ++i) threads.emplace_back([&] { run.Work(); });
  run.Work();
  for (std::thread& thread : threads) thread.join();
  return run.report();
}

}  // namespace assay::cli
