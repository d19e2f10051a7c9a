// assay/embed/remote_providers.h: embeddings from an OpenAI-compatible server or AWS Bedrock.
// Room: embed (uses core, crypto).  Threads: the providers are safe; opening is for one thread.
// Method: libcurl's blocking handles, one a call in flight, kept for their connections
// (docs/decisions/0008-libcurl-for-embeddings.md); Signature Version 4 of our own.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/crypto/secret.h"
#include "assay/embed/provider.h"

namespace assay::embed {

struct HttpOptions {
  std::int64_t connect_timeout_ms = 10'000;
  std::int64_t call_timeout_ms = 60'000;
  std::size_t max_answer_bytes = std::size_t{256} << 20;
  std::string ca_file =
      {};                  // PEM; empty: the system's. The server's certificate is always verified.
  std::string proxy = {};  // as curl takes it; empty: none
  // Allows keys and texts to travel unencrypted to a host other than this machine.
  bool allow_plain_http = false;
};

struct OpenAiOptions {
  std::string base_url = "https://api.openai.com/v1";
  crypto::SecretString key;  // empty: no `authorization` header
  std::string model = "text-embedding-3-small";
  // 0: the model's own, which is known for OpenAI's models alone. A shorter one is asked for by
  // `dimensions`; of a model that is not known here, only with ask_dim.
  std::size_t dim = 0;
  bool ask_dim = false;
  bool base64 = true;  // ask for base64, which is a third of the bytes; answers may be either
  LimitChanges limits;
  std::optional<double> usd_per_million_tokens;
  HttpOptions http;
};

// Errors: kInvalidArgument for a URL, model or dimension that cannot be; kFailedPrecondition for a
// key that would travel unencrypted.
[[nodiscard]] Result<std::unique_ptr<Provider>> OpenOpenAiProvider(
    OpenAiOptions options, core::Clock& clock = core::Clock::Real());

struct AwsCredentials {
  std::string access_key_id;
  crypto::SecretString secret_key;
  crypto::SecretString session_token;  // empty for long-lived keys
};

// A variable of the environment, empty where it is not set.
using Variables = std::function<std::string(std::string_view name)>;

// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or else the profile
// (`profile`, AWS_PROFILE, "default") of AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials), which
// only its owner may be able to read. Errors: kUnauthenticated when there are none, saying where it
// looked; kFailedPrecondition for a file that others may read; kInvalidArgument with the line.
[[nodiscard]] Result<AwsCredentials> FindAwsCredentials(const Variables& variables,
                                                        std::string_view profile);
// AWS_REGION, AWS_DEFAULT_REGION, or `region` of the profile in the credentials file or in
// AWS_CONFIG_FILE (~/.aws/config). Errors: kInvalidArgument when none is set.
[[nodiscard]] Result<std::string> FindAwsRegion(const Variables& variables,
                                                std::string_view profile);

inline constexpr std::string_view kTitanV1 = "amazon.titan-embed-text-v1";    // 1,536 dimensions
inline constexpr std::string_view kTitanV2 = "amazon.titan-embed-text-v2:0";  // 256, 512, 1,024

struct BedrockOptions {
  std::string model{kTitanV2};
  std::string region;
  std::string endpoint;  // empty: https://bedrock-runtime.REGION.amazonaws.com
  AwsCredentials credentials;
  std::size_t dim = 0;    // 0: 1,536 of v1, 1,024 of v2
  bool normalize = true;  // v2 alone
  LimitChanges limits;    // of 10 requests a second and 40,000 tokens a minute
  std::optional<double> usd_per_million_tokens;
  HttpOptions http;
};

// InvokeModel, one text a call. Errors: those of OpenOpenAiProvider; kUnauthenticated without
// credentials.
[[nodiscard]] Result<std::unique_ptr<Provider>> OpenBedrockProvider(
    BedrockOptions options, core::Clock& clock = core::Clock::Real());

}  // namespace assay::embed
