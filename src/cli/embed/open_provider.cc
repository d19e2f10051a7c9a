#include <cstdlib>

#include <fmt/format.h>

#include "assay/core/file_system.h"
#include "assay/embed/embed_texts.h"
#include "assay/embed/models.h"
#include "assay/embed/remote_providers.h"
#include "assay/embed/static_encoder.h"
#include "assay/embed/transformer_encoder.h"

#include "embed/embed_options.h"
#include "encoders.h"

namespace assay::cli {
namespace {

constexpr std::size_t kMaxKeyBytes = 4096;
constexpr double kMsPerSecond = 1'000;

std::string Variable(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::string() : std::string(value);
}

// A vocabulary counts nearer to the truth than bytes do; without a model, bytes have to do.
std::shared_ptr<const embed::TokenCounter> Counter(std::string_view model) {
  core::FileSystem& files = core::FileSystem::Real();
  if (const auto folder = embed::FindModel(files, ModelFolders(), model); folder) {
    if (auto counter = embed::CountWordPieces(files, *folder); counter) return *std::move(counter);
  }
  return embed::CountBytesByFour();
}

Result<OpenedProvider> OpenLocal(const EmbedCommandOptions& options) {
  core::FileSystem& files = core::FileSystem::Real();
  const std::string model =
      options.model.empty() ? std::string(embed::kStaticMiniLm) : options.model;
  ASSAY_ASSIGN(const embed::ModelFolder folder, embed::FindModel(files, ModelFolders(), model));
  std::shared_ptr<const embed::Encoder> encoder;
  if (model == embed::kStaticMiniLm) {
    ASSAY_ASSIGN(encoder, embed::OpenStaticEncoder(files, folder));
  } else {
    ASSAY_ASSIGN(encoder, embed::OpenTransformerEncoder(files, folder));
  }
  if (options.dim != 0 && options.dim != encoder->dim()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} gives {} dimensions, not {}", model, encoder->dim(), options.dim));
  }
  return OpenedProvider{embed::MakeLocalProvider(std::move(encoder)), Counter(model)};
}

embed::HttpOptions Http(const EmbedCommandOptions& options, std::string_view url) {
  embed::HttpOptions http;
  http.call_timeout_ms = static_cast<std::int64_t>(options.timeout_s * kMsPerSecond);
  http.ca_file = options.ca_file;
  http.proxy = options.proxy;
  if (http.proxy.empty() && !url.starts_with("http://")) http.proxy = Variable("HTTPS_PROXY");
  http.allow_plain_http = options.allow_plain_http;
  return http;
}

embed::LimitChanges Limits(const EmbedCommandOptions& options) {
  return {.requests_per_minute = options.requests_per_minute,
          .tokens_per_minute = options.tokens_per_minute,
          .texts_per_call = options.batch,
          .parallel_calls = options.parallel};
}

Result<crypto::SecretString> OpenAiKey(const EmbedCommandOptions& options) {
  if (options.key_file.empty()) {
    return crypto::SecretString::Copy(Variable("OPENAI_API_KEY"));
  }
  ASSAY_ASSIGN(const crypto::SecretBytes content,
               crypto::ReadSecretFile(options.key_file, kMaxKeyBytes));
  std::string_view key = content.view();
  while (key.ends_with('\n') || key.ends_with('\r') || key.ends_with(' ')) key.remove_suffix(1);
  if (key.empty() || key.find_first_of(" \r\n\t") != std::string_view::npos) {
    return Fail(Code::kInvalidArgument,
                fmt::format("'{}' does not hold one key on one line", options.key_file));
  }
  return crypto::SecretString::Copy(key);
}

Result<std::unique_ptr<embed::Provider>> OpenOpenAi(const EmbedCommandOptions& options) {
  embed::OpenAiOptions openai;
  if (!options.base_url.empty()) openai.base_url = options.base_url;
  if (!options.model.empty()) openai.model = options.model;
  ASSAY_ASSIGN(openai.key, OpenAiKey(options));
  openai.dim = options.dim;
  openai.ask_dim = options.ask_dim;
  openai.limits = Limits(options);
  openai.usd_per_million_tokens = options.price;
  openai.http = Http(options, openai.base_url);
  return embed::OpenOpenAiProvider(std::move(openai));
}

Result<std::unique_ptr<embed::Provider>> OpenBedrock(const EmbedCommandOptions& options) {
  embed::BedrockOptions bedrock;
  if (options.model == "titan-v1") {
    bedrock.model = embed::kTitanV1;
  } else if (!options.model.empty() && options.model != "titan-v2") {
    bedrock.model = options.model;
  }
  bedrock.endpoint = options.endpoint;
  for (const char* name : {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL"}) {
    if (bedrock.endpoint.empty()) bedrock.endpoint = Variable(name);
  }
  ASSAY_ASSIGN(bedrock.credentials, embed::FindAwsCredentials(Variable, options.profile));
  bedrock.region = options.region;
  if (bedrock.region.empty()) {
    ASSAY_ASSIGN(bedrock.region, embed::FindAwsRegion(Variable, options.profile));
  }
  bedrock.dim = options.dim;
  bedrock.normalize = !options.raw;
  bedrock.limits = Limits(options);
  bedrock.usd_per_million_tokens = options.price;
  bedrock.http = Http(options, bedrock.endpoint);
  return embed::OpenBedrockProvider(std::move(bedrock));
}

}  // namespace

Result<OpenedProvider> OpenProvider(const EmbedCommandOptions& options) {
  if (options.provider == "local") return OpenLocal(options);
  std::unique_ptr<embed::Provider> remote;
  if (options.provider == "openai") {
    ASSAY_ASSIGN(remote, OpenOpenAi(options));
  } else {
    ASSAY_ASSIGN(remote, OpenBedrock(options));
  }
  std::shared_ptr<const embed::TokenCounter> counter = Counter(embed::kStaticMiniLm);
  const embed::RetryOptions retries = {
      .attempts = options.attempts,
      .first_wait_ms = static_cast<std::int64_t>(options.retry_wait_s * kMsPerSecond)};
  return OpenedProvider{embed::WithRetries(embed::WithLimits(std::move(remote), counter), retries),
                        counter};
}

}  // namespace assay::cli
