#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "assay/core/traffic/rate_limiter.h"
#include "assay/embed/embed_texts.h"

namespace assay::embed {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr double kTenthsOfASecondPerMinute = 600;

class LimitedProvider final : public Provider {
 public:
  LimitedProvider(std::unique_ptr<Provider> inner, std::shared_ptr<const TokenCounter> counter,
                  core::Clock& clock, Pause& pause)
      : inner_(std::move(inner)),
        counter_(std::move(counter)),
        clock_(clock),
        pause_(pause),
        limiter_(
            inner_->info().limits.requests_per_minute, inner_->info().limits.tokens_per_minute,
            std::max(1.0, inner_->info().limits.requests_per_minute / kTenthsOfASecondPerMinute)) {}

  [[nodiscard]] const ProviderInfo& info() const override { return inner_->info(); }

  [[nodiscard]] Result<void> Embed(std::span<const std::string_view> texts, std::span<float> out,
                                   const CallContext& context, CallNotes& notes) override {
    double tokens = 0;
    for (const std::string_view text : texts) tokens += static_cast<double>(counter_->Count(text));
    ASSAY_TRY(WaitForTurn(tokens, context));
    const Result<void> done = inner_->Embed(texts, out, context, notes);
    const std::scoped_lock lock(mutex_);
    if (notes.tokens > 0) limiter_.Settle(tokens, static_cast<double>(notes.tokens));
    if (!done && notes.retry_after_ms > 0) {
      limiter_.PauseUntil(clock_.monotonic_ns() + notes.retry_after_ms * kNsPerMs);
    }
    return done;
  }

 private:
  Result<void> WaitForTurn(double tokens, const CallContext& context) {
    std::int64_t wait_ns = 0;
    std::int64_t now_ns = clock_.monotonic_ns();
    {
      const std::scoped_lock lock(mutex_);
      wait_ns = limiter_.Reserve(now_ns, tokens);
    }
    // A pause that another call was asked for meanwhile holds this one too.
    while (wait_ns > 0) {
      if (wait_ns > context.deadline_ns - now_ns) {
        return GiveUp(tokens, Code::kDeadlineExceeded,
                      fmt::format("the provider's limits allow the next call in {} s, after the "
                                  "deadline",
                                  wait_ns / (1'000 * kNsPerMs)));
      }
      pause_.For(wait_ns, context.stop);
      if (context.stop.stop_requested()) {
        return GiveUp(tokens, Code::kUnavailable, "stopped while waiting for the limits");
      }
      now_ns = clock_.monotonic_ns();
      const std::scoped_lock lock(mutex_);
      wait_ns = limiter_.PausedNs(now_ns);
    }
    return {};
  }

  std::unexpected<Error> GiveUp(double tokens, Code code, std::string why) {
    const std::scoped_lock lock(mutex_);
    limiter_.Refund(tokens);
    return Fail(code, std::move(why));
  }

  std::unique_ptr<Provider> inner_;
  std::shared_ptr<const TokenCounter> counter_;
  core::Clock& clock_;
  Pause& pause_;
  std::mutex mutex_;  // guards limiter_
  core::RateLimiter limiter_;
};

}  // namespace

std::unique_ptr<Provider> WithLimits(std::unique_ptr<Provider> inner,
                                     std::shared_ptr<const TokenCounter> counter,
                                     core::Clock& clock, Pause& pause) {
  return std::make_unique<LimitedProvider>(std::move(inner), std::move(counter), clock, pause);
}

}  // namespace assay::embed
