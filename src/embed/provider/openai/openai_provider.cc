// POST {base}/embeddings, as OpenAI has it and many servers copy it.
#include <array>

#include <fmt/format.h>

#include "assay/embed/remote_providers.h"

#include "provider/http/answer_json.h"
#include "provider/http/http_client.h"

namespace assay::embed {
namespace {

using internal::HttpClient;
using internal::HttpReply;
using internal::Url;

// OpenAI's models and prices, platform.openai.com/docs/pricing; others are named with --dim and
// --price.
struct KnownModel {
  std::string_view name;
  std::size_t dim;
  bool can_shorten;
  double usd_per_million_tokens;
};
constexpr std::array<KnownModel, 3> kModels = {{
    {"text-embedding-3-small", 1536, true, 0.02},
    {"text-embedding-3-large", 3072, true, 0.13},
    {"text-embedding-ada-002", 1536, false, 0.10},
}};
// Of the API: 2,048 inputs and 300,000 tokens a request, 8,192 tokens an input. The rates are those
// of the lowest paid tier.
constexpr ProviderLimits kLimits = {.requests_per_minute = 3'000,
                                    .tokens_per_minute = 1'000'000,
                                    .texts_per_call = 2'048,
                                    .tokens_per_call = 100'000,
                                    .tokens_per_text = 8'192,
                                    .parallel_calls = 4};

const KnownModel* Find(std::string_view name) {
  for (const KnownModel& model : kModels) {
    if (model.name == name) return &model;
  }
  return nullptr;
}

class OpenAiProvider final : public Provider {
 public:
  OpenAiProvider(OpenAiOptions options, const Url& url, ProviderInfo info, std::string asked_dim,
                 core::Clock& clock)
      : options_(std::move(options)),
        info_(std::move(info)),
        url_(url.Origin() + url.path + "/embeddings"),
        server_(url.authority),
        tail_(fmt::format(R"(],"encoding_format":"{}"{}}})", options_.base64 ? "base64" : "float",
                          asked_dim)),
        http_(options_.http, clock) {}

  [[nodiscard]] const ProviderInfo& info() const override { return info_; }

  [[nodiscard]] Result<void> Embed(std::span<const std::string_view> texts, std::span<float> out,
                                   const CallContext& context, CallNotes& notes) override {
    if (texts.empty() || out.size() != texts.size() * info_.dim) {
      return Fail(Code::kInvalidArgument, fmt::format("{} texts of {} dimensions into {} floats",
                                                      texts.size(), info_.dim, out.size()));
    }
    std::string body =
        fmt::format(R"({{"model":{},"input":[)", internal::JsonString(options_.model));
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (i > 0) body += ',';
      body += internal::JsonString(texts[i]);
    }
    body += tail_;
    HttpClient::Headers headers = {{"content-type", "application/json"},
                                   {"accept", "application/json"}};
    if (!options_.key.empty()) {
      headers.emplace_back("authorization", fmt::format("Bearer {}", options_.key.view()));
    }
    ++notes.requests;
    ASSAY_ASSIGN(const HttpReply reply, http_.Post(url_, headers, body, context));
    notes.retry_after_ms = reply.retry_after_ms;
    if (reply.status != 200) {
      return std::unexpected(
          internal::ErrorOfStatus(server_, reply.status, internal::ReadErrorMessage(reply.body)));
    }
    ASSAY_ASSIGN(notes.tokens, internal::ReadOpenAiAnswer(reply.body, info_.dim, out));
    return {};
  }

 private:
  OpenAiOptions options_;
  ProviderInfo info_;
  std::string url_;
  std::string server_;
  std::string tail_;
  HttpClient http_;
};

}  // namespace

Result<std::unique_ptr<Provider>> OpenOpenAiProvider(OpenAiOptions options, core::Clock& clock) {
  ASSAY_ASSIGN(const Url url, Url::Parse(options.base_url));
  ASSAY_TRY(internal::CheckSecrecy(url, options.http));
  if (options.model.empty()) return Fail(Code::kInvalidArgument, "the model has no name");
  const KnownModel* known = Find(options.model);
  if (options.dim == 0 && known == nullptr) {
    return Fail(Code::kInvalidArgument,
                fmt::format("the dimension of '{}' is not known here; name it", options.model));
  }
  ProviderInfo info;
  info.dim = options.dim == 0 ? known->dim : options.dim;
  std::string asked_dim;
  if (known != nullptr && info.dim != known->dim) {
    if (!known->can_shorten || info.dim > known->dim) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{} gives {} dimensions{}, not {}", known->name, known->dim,
                              known->can_shorten ? " or fewer" : "", info.dim));
    }
  }
  if (known != nullptr ? info.dim != known->dim : options.ask_dim) {
    asked_dim = fmt::format(R"(,"dimensions":{})", info.dim);
  }
  info.limits = options.limits.AppliedTo(kLimits);
  info.usd_per_million_tokens =
      options.usd_per_million_tokens.value_or(known == nullptr ? 0 : known->usd_per_million_tokens);
  info.name = fmt::format("openai/{}{}/{}/{}", url.authority, url.path, options.model, info.dim);
  return std::make_unique<OpenAiProvider>(std::move(options), url, std::move(info),
                                          std::move(asked_dim), clock);
}

}  // namespace assay::embed
