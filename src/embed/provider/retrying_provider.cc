#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "assay/embed/embed_texts.h"

namespace assay::embed {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::size_t kMostDoublings = 40;

bool MayHelp(Code code) {
  return code == Code::kUnavailable || code == Code::kResourceExhausted ||
         code == Code::kDeadlineExceeded;
}

class RetryingProvider final : public Provider {
 public:
  RetryingProvider(std::unique_ptr<Provider> inner, const RetryOptions& options, core::Rng& rng,
                   core::Clock& clock, Pause& pause)
      : inner_(std::move(inner)), options_(options), rng_(rng), clock_(clock), pause_(pause) {}

  [[nodiscard]] const ProviderInfo& info() const override { return inner_->info(); }

  [[nodiscard]] Result<void> Embed(std::span<const std::string_view> texts, std::span<float> out,
                                   const CallContext& context, CallNotes& notes) override {
    for (std::size_t attempt = 1;; ++attempt) {
      CallNotes one;
      Result<void> done = inner_->Embed(texts, out, context, one);
      notes.requests += one.requests;
      notes.retry_after_ms = one.retry_after_ms;
      if (done) {
        notes.tokens = one.tokens;
        return done;
      }
      if (!MayHelp(done.error().code) || context.stop.stop_requested()) return done;
      if (attempt >= options_.attempts) {
        return Fail(done.error().code,
                    fmt::format("{} ({} attempts)", done.error().message, attempt));
      }
      const std::int64_t wait_ns = WaitNs(attempt, one.retry_after_ms);
      if (wait_ns >= context.deadline_ns - clock_.monotonic_ns()) {
        return Fail(
            Code::kDeadlineExceeded,
            fmt::format("{} (the deadline leaves no time to try again)", done.error().message));
      }
      pause_.For(wait_ns, context.stop);
      if (context.stop.stop_requested()) return done;
    }
  }

 private:
  std::int64_t WaitNs(std::size_t attempt, std::int64_t retry_after_ms) {
    const std::size_t doublings = std::min(attempt - 1, kMostDoublings);
    const std::int64_t most_ms =
        options_.first_wait_ms > (options_.most_wait_ms >> doublings)
            ? options_.most_wait_ms
            : std::min(options_.most_wait_ms, options_.first_wait_ms << doublings);
    const std::scoped_lock lock(mutex_);
    const auto jitter_ns = static_cast<std::int64_t>(
        rng_.Below(static_cast<std::uint64_t>(std::max<std::int64_t>(most_ms, 0) * kNsPerMs) + 1));
    return std::max<std::int64_t>(retry_after_ms, 0) * kNsPerMs + jitter_ns;
  }

  std::unique_ptr<Provider> inner_;
  RetryOptions options_;
  std::mutex mutex_;  // guards rng_
  core::Rng& rng_;
  core::Clock& clock_;
  Pause& pause_;
};

}  // namespace

std::unique_ptr<Provider> WithRetries(std::unique_ptr<Provider> inner, const RetryOptions& options,
                                      core::Rng& rng, core::Clock& clock, Pause& pause) {
  return std::make_unique<RetryingProvider>(std::move(inner), options, rng, clock, pause);
}

}  // namespace assay::embed
