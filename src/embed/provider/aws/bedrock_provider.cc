// InvokeModel of AWS Bedrock for the Titan text embedding models: one text a call.
#include <fmt/format.h>

#include "assay/embed/remote_providers.h"

#include "provider/aws/sigv4.h"
#include "provider/http/answer_json.h"
#include "provider/http/http_client.h"

namespace assay::embed {
namespace {

using internal::HttpClient;
using internal::HttpReply;
using internal::Url;

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::size_t kDimV1 = 1536;
constexpr std::size_t kDimV2 = 1024;
// aws.amazon.com/bedrock/pricing, on demand.
constexpr double kUsdV1 = 0.10;
constexpr double kUsdV2 = 0.02;
// The Standard tier: 10 requests a second, 40,000 tokens a minute; 8,192 tokens a text.
constexpr ProviderLimits kLimits = {.requests_per_minute = 600,
                                    .tokens_per_minute = 40'000,
                                    .texts_per_call = 1,
                                    .tokens_per_call = 0,
                                    .tokens_per_text = 8'192,
                                    .parallel_calls = 4};

class BedrockProvider final : public Provider {
 public:
  BedrockProvider(BedrockOptions options, const Url& url, ProviderInfo info, std::string tail,
                  core::Clock& clock)
      : options_(std::move(options)),
        info_(std::move(info)),
        tail_(std::move(tail)),
        host_(url.authority),
        path_(fmt::format("{}/model/{}/invoke", url.path,
                          internal::UriEncode(options_.model, internal::Slash::kEncode))),
        url_(url.Origin() + path_),
        clock_(clock),
        http_(options_.http, clock) {}

  [[nodiscard]] const ProviderInfo& info() const override { return info_; }

  [[nodiscard]] Result<void> Embed(std::span<const std::string_view> texts, std::span<float> out,
                                   const CallContext& context, CallNotes& notes) override {
    if (texts.size() != 1 || out.size() != info_.dim) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("Titan embeds one text a call into {} floats, not {} into {}",
                              info_.dim, texts.size(), out.size()));
    }
    const std::string body =
        fmt::format(R"({{"inputText":{}{}}})", internal::JsonString(texts[0]), tail_);
    ASSAY_ASSIGN(const HttpClient::Headers headers, SignedHeaders(body));
    ++notes.requests;
    ASSAY_ASSIGN(const HttpReply reply, http_.Post(url_, headers, body, context));
    notes.retry_after_ms = reply.retry_after_ms;
    if (reply.status != 200) return std::unexpected(ErrorOf(reply));
    ASSAY_ASSIGN(notes.tokens, internal::ReadTitanAnswer(reply.body, out));
    return {};
  }

 private:
  // Signed anew for every try: a signature is good for five minutes.
  [[nodiscard]] Result<HttpClient::Headers> SignedHeaders(std::string_view body) const {
    const std::string time = internal::AmzTime(clock_.wall_ns() / kNsPerSecond);
    HttpClient::Headers headers = {{"accept", "application/json"},
                                   {"content-type", "application/json"},
                                   {"host", host_},
                                   {"x-amz-date", time}};
    const AwsCredentials& credentials = options_.credentials;
    if (!credentials.session_token.empty()) {
      headers.emplace_back("x-amz-security-token", credentials.session_token.view());
    }
    const internal::SignedRequest request = {
        .method = "POST", .path = path_, .query = {}, .headers = headers, .body = body};
    ASSAY_ASSIGN(
        internal::Signature signature,
        internal::SignV4(request, {.region = options_.region, .service = "bedrock", .time = time},
                         credentials.access_key_id, credentials.secret_key.view()));
    headers.emplace_back("authorization", std::move(signature.authorization));
    return headers;
  }

  [[nodiscard]] Error ErrorOf(const HttpReply& reply) const {
    // "ThrottlingException:http://internal..." -> the name alone
    const std::string_view type =
        std::string_view(reply.error_type).substr(0, reply.error_type.find(':'));
    const std::string message = internal::ReadErrorMessage(reply.body);
    return internal::ErrorOfStatus(
        host_, reply.status,
        type.empty() ? message : fmt::format("{}{}{}", type, message.empty() ? "" : ": ", message));
  }

  BedrockOptions options_;
  ProviderInfo info_;
  std::string tail_;  // of the body, behind the text
  std::string host_;
  std::string path_;
  std::string url_;
  core::Clock& clock_;
  HttpClient http_;
};

Result<void> CheckModel(const BedrockOptions& options) {
  if (options.model == kTitanV1) {
    if (options.dim == 0 || options.dim == kDimV1) return {};
    return Fail(Code::kInvalidArgument,
                fmt::format("{} gives {} dimensions, not {}", kTitanV1, kDimV1, options.dim));
  }
  if (options.model == kTitanV2) {
    for (const std::size_t dim : {std::size_t{0}, std::size_t{256}, std::size_t{512}, kDimV2}) {
      if (options.dim == dim) return {};
    }
    return Fail(Code::kInvalidArgument,
                fmt::format("{} gives 256, 512 or 1024 dimensions, not {}", kTitanV2, options.dim));
  }
  return Fail(Code::kInvalidArgument,
              fmt::format("'{}' is no embedding model that is known here; name {} or {}",
                          options.model, kTitanV1, kTitanV2));
}

Result<void> CheckRegion(std::string_view region) {
  const bool plain =
      region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
  if (!region.empty() && plain) return {};
  return Fail(Code::kInvalidArgument,
              fmt::format("'{}' is no AWS region; name one such as us-east-1", region));
}

}  // namespace

Result<std::unique_ptr<Provider>> OpenBedrockProvider(BedrockOptions options, core::Clock& clock) {
  ASSAY_TRY(CheckModel(options));
  ASSAY_TRY(CheckRegion(options.region));
  if (options.credentials.access_key_id.empty() || options.credentials.secret_key.empty()) {
    return Fail(Code::kUnauthenticated, "Bedrock needs AWS credentials");
  }
  if (options.endpoint.empty()) {
    options.endpoint = fmt::format("https://bedrock-runtime.{}.amazonaws.com{}", options.region,
                                   options.region.starts_with("cn-") ? ".cn" : "");
  }
  ASSAY_ASSIGN(const Url url, Url::Parse(options.endpoint));
  ASSAY_TRY(internal::CheckSecrecy(url, options.http));
  const bool second = options.model == kTitanV2;
  ProviderInfo info;
  info.dim = !second ? kDimV1 : options.dim == 0 ? kDimV2 : options.dim;
  info.limits = options.limits.AppliedTo(kLimits);
  info.limits.texts_per_call = 1;
  info.usd_per_million_tokens = options.usd_per_million_tokens.value_or(second ? kUsdV2 : kUsdV1);
  info.name = fmt::format("bedrock/{}/{}{}", options.model, info.dim,
                          second && options.normalize ? "/normalized" : "");
  std::string tail;
  if (second) {
    tail = fmt::format(R"(,"dimensions":{},"normalize":{})", info.dim, options.normalize);
  }
  return std::make_unique<BedrockProvider>(std::move(options), url, std::move(info),
                                           std::move(tail), clock);
}

}  // namespace assay::embed
