// assay/embed/provider.h: whoever turns texts into vectors, on this machine or behind an API.
// Room: embed (uses core, text).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/embed/encoder.h"
#include "assay/embed/models.h"

namespace assay::embed {

// What one call and one minute may hold; 0 is "no limit" where nothing else is said.
struct ProviderLimits {
  double requests_per_minute = 0;
  double tokens_per_minute = 0;
  std::size_t texts_per_call = 1;  // at least 1
  std::size_t tokens_per_call = 0;
  std::size_t tokens_per_text = 0;  // a longer text is refused by the API, never cut by us
  std::size_t parallel_calls = 1;   // at least 1
};

// What a user wants instead of a provider's own limits.
struct LimitChanges {
  std::optional<double> requests_per_minute = std::nullopt;
  std::optional<double> tokens_per_minute = std::nullopt;
  std::optional<std::size_t> texts_per_call = std::nullopt;
  std::optional<std::size_t> parallel_calls = std::nullopt;

  [[nodiscard]] ProviderLimits AppliedTo(ProviderLimits limits) const {
    limits.requests_per_minute = requests_per_minute.value_or(limits.requests_per_minute);
    limits.tokens_per_minute = tokens_per_minute.value_or(limits.tokens_per_minute);
    limits.texts_per_call = texts_per_call.value_or(limits.texts_per_call);
    limits.parallel_calls = parallel_calls.value_or(limits.parallel_calls);
    return limits;
  }
};

struct ProviderInfo {
  // Provider, model, and every setting that changes a vector; vectors of different names must never
  // be compared. Example: "bedrock/amazon.titan-embed-text-v2:0/1024/normalized".
  std::string name;
  std::size_t dim = 0;
  ProviderLimits limits;
  double usd_per_million_tokens = 0;  // 0 = costs nothing, or unknown
};

// What one call may take.
struct CallContext {
  std::int64_t deadline_ns = INT64_MAX;  // of Clock::monotonic_ns()
  // When asked, no request is begun and no wait goes on; a request in flight is paid for, so it is
  // finished.
  std::stop_token stop = {};
};

// What a call has told besides its vectors; filled on success and on failure.
struct CallNotes {
  std::uint64_t tokens = 0;          // as the provider counted them; 0 = it did not say
  std::uint64_t requests = 0;        // sent over the network
  std::int64_t retry_after_ms = -1;  // the provider asked to be left alone so long; -1 = it did not
};

// Threads: Embed may be called by many threads at once.
class Provider {
 public:
  virtual ~Provider() = default;
  [[nodiscard]] virtual const ProviderInfo& info() const = 0;

  // One call: a vector per text, in the order of the texts, as the provider gives them (not every
  // model gives unit vectors). Every value is finite. Shapes: out [texts.size() * dim] row-major,
  // of no meaning after an error. Errors: kUnavailable, kResourceExhausted and kDeadlineExceeded
  // where trying again may help (also an answer that cannot be read); kFailedPrecondition for
  // vectors of another dimension; kInvalidArgument, kPermissionDenied, ... where it cannot.
  [[nodiscard]] virtual Result<void> Embed(std::span<const std::string_view> texts,
                                           std::span<float> out, const CallContext& context,
                                           CallNotes& notes) = 0;
};

// An encoder of this machine as a provider without limits and price.
[[nodiscard]] std::unique_ptr<Provider> MakeLocalProvider(std::shared_ptr<const Encoder> encoder);

// Says how many tokens a text has, exactly or nearly. Threads: safe.
class TokenCounter {
 public:
  virtual ~TokenCounter() = default;
  [[nodiscard]] virtual std::size_t Count(std::string_view text) const = 0;  // at least 1
};

// A token for every four bytes, rounded up: the rule of thumb that the vendors give for English.
[[nodiscard]] std::unique_ptr<TokenCounter> CountBytesByFour();
// WordPiece tokens of a model's vocabulary. Errors: those of FileSystem and text::WordPiece.
[[nodiscard]] Result<std::unique_ptr<TokenCounter>> CountWordPieces(core::FileSystem& files,
                                                                    const ModelFolder& model);

// The seam for waiting. Threads: safe.
class Pause {
 public:
  virtual ~Pause() = default;
  [[nodiscard]] static Pause& Real();  // lives for ever
  // Returns after `wait_ns`, or as soon as `stop` is asked for.
  virtual void For(std::int64_t wait_ns, const std::stop_token& stop) = 0;
};

}  // namespace assay::embed
