// assay/embed/embed_texts.h: many texts through one provider, each of them once.
// Room: embed (uses core).
// Method: look-up in the caches, one request a distinct text, calls filled up to the provider's
// limits, a bounded number of them at a time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "assay/core/clock.h"
#include "assay/core/result.h"
#include "assay/embed/embedding_cache.h"
#include "assay/embed/provider.h"

namespace assay::embed {

// Holds calls back so that the provider's requests and tokens a minute are kept, and while it asked
// to be left alone (retry-after). Tokens are reserved by `counter` and settled by what the provider
// counted. At most a tenth of a second's requests (at least 1) or a tenth of a minute's tokens go
// through at once. Errors: kDeadlineExceeded without a call, when its turn would come too late.
[[nodiscard]] std::unique_ptr<Provider> WithLimits(std::unique_ptr<Provider> inner,
                                                   std::shared_ptr<const TokenCounter> counter,
                                                   core::Clock& clock = core::Clock::Real(),
                                                   Pause& pause = Pause::Real());

struct RetryOptions {
  std::size_t attempts = 8;            // in all, at least 1
  std::int64_t first_wait_ms = 500;    // the wait before attempt n is uniform in
  std::int64_t most_wait_ms = 30'000;  // [0, min(most, first * 2^(n-2))]
};

// Tries again where that may help, with full jitter (Brooker 2015, "Exponential backoff and
// jitter"), never before the provider's retry-after, never beyond the deadline.
[[nodiscard]] std::unique_ptr<Provider> WithRetries(std::unique_ptr<Provider> inner,
                                                    const RetryOptions& options,
                                                    core::Rng& rng = core::Rng::Real(),
                                                    core::Clock& clock = core::Clock::Real(),
                                                    Pause& pause = Pause::Real());

// How far a job is, and at its end what it did.
struct EmbedProgress {
  std::size_t texts = 0;       // asked for
  std::size_t done = 0;        // whose vectors are there
  std::size_t from_cache = 0;  // of those, found in a cache
  std::size_t repeated = 0;    // of those, the same as another text of the job
  std::size_t embedded = 0;    // of those, by the provider
  std::uint64_t calls = 0;     // of the provider that succeeded
  std::uint64_t requests = 0;  // over the network, failed ones too
  std::uint64_t tokens = 0;    // of the embedded texts; as counted by the provider where it counts
  double usd = 0;
  std::size_t zero_rows = 0;  // of `embedded`, vectors of zeros: no cosine is defined for them
};

struct EmbedOptions {
  std::shared_ptr<const TokenCounter> counter = nullptr;  // null: CountBytesByFour()
  std::span<EmbeddingCache* const> caches = {};           // asked in order; new vectors go to all
  CallContext context = {};
  std::function<void(const EmbedProgress&)> progress = nullptr;  // after each call, one at a time
  std::function<std::string(std::size_t text)> name_of =
      nullptr;  // for errors; null: "text 1", ...
};

// Fills `out` with a vector a text. A text is sent once, however often it stands in `texts`. When a
// call fails for good, calls in flight are finished and kept, then the error is returned: with a
// cache, the next run goes on where this one stopped.
// Shapes: out [texts.size() * dim] row-major. Errors: kInvalidArgument for an empty text or a cache
// of another dimension; those of the provider and the caches. They name the text.
[[nodiscard]] Result<EmbedProgress> EmbedTexts(Provider& provider,
                                               std::span<const std::string_view> texts,
                                               std::span<float> out, const EmbedOptions& options);

// What EmbedTexts would do now: `embedded`, `calls`, `tokens` and `usd` are estimates; nothing is
// sent. Errors: those of EmbedTexts that need no call.
[[nodiscard]] Result<EmbedProgress> EstimateTexts(const ProviderInfo& info,
                                                  std::span<const std::string_view> texts,
                                                  const EmbedOptions& options);

}  // namespace assay::embed
