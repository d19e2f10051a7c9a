#include <atomic>
#include <thread>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/scan/services.h"

#include "identify/models_internal.h"
#include "identify/questions_internal.h"

namespace assay::scan {
namespace {

using internal::AskHttp;
using internal::AskRaw;
using internal::HttpAnswer;

constexpr std::uint16_t kRedisPort = 6379;
constexpr std::uint16_t kPostgresPort = 5432;
constexpr std::size_t kMaxRedisAnswer = 65'536;

// One port and what is found out about it.
class Inquiry {
 public:
  Inquiry(const OpenPort& port, std::uint32_t timeout_ms) : timeout_ms_(timeout_ms) {
    service_.address = port.address;
    service_.port = port.port;
    service_.connect_ns = port.connect_ns;
  }

  Service Run() {
    // HTTP makes a Redis log an attack, so those ports are asked in their own way first.
    if (service_.port == kRedisPort && AskRedis()) return std::move(service_);
    if (service_.port == kPostgresPort && AskPostgres()) return std::move(service_);
    if (AskModels()) return std::move(service_);
    if (service_.port != kRedisPort && AskRedis()) return std::move(service_);
    if (service_.port != kPostgresPort) (void)AskPostgres();
    return std::move(service_);
  }

 private:
  [[nodiscard]] std::string Root() const {
    return fmt::format("{}://{}", service_.tls ? "https" : "http",
                       EndpointText(service_.address, service_.port));
  }
  [[nodiscard]] HttpAnswer Get(std::string_view path) const {
    return AskHttp(Root().append(path), {}, timeout_ms_);
  }
  // The body of a good answer, else nothing.
  [[nodiscard]] std::string Body(std::string_view path) const {
    HttpAnswer answer = Get(path);
    return answer.status == 200 ? std::move(answer.body) : std::string();
  }

  // Whether it is an HTTP server.
  bool AskModels() {
    HttpAnswer answer = Get("/v1/models");
    if (answer.status == 0 || answer.status == 400) {  // some say so that they want TLS
      service_.tls = true;
      HttpAnswer secret = Get("/v1/models");
      service_.tls = secret.status != 0;
      if (service_.tls) answer = std::move(secret);
    }
    if (answer.status == 0) return false;
    service_.kind = ServiceKind::kHttp;
    service_.needs_key = answer.status == 401 || answer.status == 403;
    const auto list = answer.status == 200 ? internal::ReadModelList(answer.body) : std::nullopt;
    const bool asks_for_key = service_.needs_key && answer.body.starts_with('{');
    service_.openai = list.has_value() || asks_for_key;
    if (service_.openai) service_.kind = ServiceKind::kOpenAi;
    if (list) service_.models = list->models;
    if (answer.named_by_assay && internal::ReadText(Body("/health"), "status") == "ok") {
      service_.kind = ServiceKind::kAssay;
    } else if (!service_.needs_key) {
      AskKind(list ? list->owner : std::string());
    }
    return true;
  }

  // Which server of models it is, by what the owner of its models suggests first.
  void AskKind(const std::string& owner) {
    if (owner == "vllm") {
      service_.kind = ServiceKind::kVllm;
      service_.version = internal::ReadText(Body("/version"), "version");
    } else if (owner == "llamacpp") {
      TakeLlama();
    } else {
      (void)(TakeOllama() || TakeLmStudio() || TakeTgi());
    }
  }

  void TakeLlama() {
    service_.kind = ServiceKind::kLlamaCpp;
    const std::string props = Body("/props");
    service_.version = internal::ReadText(props, "build_info");
    const std::uint64_t context = internal::ReadLlamaContext(props);
    for (ServedModel& model : service_.models) {
      if (context != 0) model.context_tokens = context;
    }
  }

  bool TakeOllama() {
    const std::string version = internal::ReadText(Body("/api/version"), "version");
    if (version.empty()) return false;
    service_.kind = ServiceKind::kOllama;
    service_.openai = true;
    service_.version = version;
    for (ServedModel& model : service_.models) {
      const std::string body = boost::json::serialize(boost::json::object{{"model", model.id}});
      const HttpAnswer answer = AskHttp(Root() + "/api/show", body, timeout_ms_);
      if (answer.status == 200) model.context_tokens = internal::ReadOllamaContext(answer.body);
    }
    return true;
  }

  bool TakeLmStudio() {
    auto models = internal::ReadLmStudioModels(Body("/api/v0/models"));
    if (!models) return false;
    service_.kind = ServiceKind::kLmStudio;
    service_.openai = true;
    service_.models = *std::move(models);
    return true;
  }

  bool TakeTgi() {
    const std::string info = Body("/info");
    auto model = internal::ReadTgiInfo(info);
    if (!model) return false;
    service_.kind = ServiceKind::kTgi;
    service_.openai = true;  // since version 1.4
    service_.version = internal::ReadText(info, "version");
    service_.models = {*std::move(model)};
    return true;
  }

  bool AskRedis() {
    const std::string pong = Raw("PING\r\nQUIT\r\n", kMaxRedisAnswer);
    const bool locked = pong.starts_with("-NOAUTH");
    if (!locked && !pong.starts_with("+PONG")) return false;
    service_.kind = ServiceKind::kRedis;
    service_.needs_key = locked;
    if (locked) return true;
    const std::string info = Raw("INFO server\r\nQUIT\r\n", kMaxRedisAnswer);
    constexpr std::string_view kVersion = "redis_version:";
    if (const std::size_t at = info.find(kVersion); at != std::string::npos) {
      const std::size_t begin = at + kVersion.size();
      service_.version = info.substr(begin, info.find_first_of("\r\n", begin) - begin);
      std::erase_if(service_.version, [](char c) { return c < ' ' || c > '~'; });
    }
    return true;
  }

  bool AskPostgres() {
    constexpr std::string_view kSslRequest("\0\0\0\x08\x04\xd2\x16\x2f", 8);
    const std::string answer = Raw(kSslRequest, 1);
    if (answer != "S" && answer != "N") return false;
    service_.kind = ServiceKind::kPostgres;
    service_.tls = answer == "S";
    return true;
  }

  [[nodiscard]] std::string Raw(std::string_view bytes, std::size_t most) const {
    return AskRaw(service_.address, service_.port, bytes, most, timeout_ms_);
  }

  std::uint32_t timeout_ms_;
  Service service_;
};

// For a comment in YAML: what would end it is left out.
std::string Printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) out.push_back(c);
  }
  return out;
}

std::string NameOf(const Service& service) {
  std::string name =
      fmt::format("{}-{}-{}", ServiceName(service.kind), service.address.Text(), service.port);
  for (char& c : name) {
    const bool known = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-';
    if (!known) c = '-';
  }
  return name;
}

}  // namespace

std::string_view ServiceName(ServiceKind kind) {
  switch (kind) {
    case ServiceKind::kUnknown:
      return "unknown";
    case ServiceKind::kHttp:
      return "http";
    case ServiceKind::kOpenAi:
      return "openai";
    case ServiceKind::kAssay:
      return "assay";
    case ServiceKind::kOllama:
      return "ollama";
    case ServiceKind::kVllm:
      return "vllm";
    case ServiceKind::kLlamaCpp:
      return "llama.cpp";
    case ServiceKind::kTgi:
      return "tgi";
    case ServiceKind::kLmStudio:
      return "lm-studio";
    case ServiceKind::kRedis:
      return "redis";
    case ServiceKind::kPostgres:
      return "postgresql";
  }
  return "unknown";
}

std::string Service::BaseUrl() const {
  return fmt::format("{}://{}/v1", tls ? "https" : "http", EndpointText(address, port));
}

Result<std::vector<Service>> Identify(std::span<const OpenPort> ports,
                                      const IdentifyOptions& options) {
  if (options.timeout_ms < 1 || options.timeout_ms > 60'000) {
    return Fail(Code::kInvalidArgument,
                fmt::format("timeout_ms is {}; it may be 1 to 60000", options.timeout_ms));
  }
  if (options.threads < 1 || options.threads > 256) {
    return Fail(Code::kInvalidArgument,
                fmt::format("threads is {}; it may be 1 to 256", options.threads));
  }
  std::vector<Service> services(ports.size());
  std::atomic<std::size_t> next = 0;  // a ticket counter; the results are read after the joins
  const auto work = [&] {
    for (std::size_t i = next.fetch_add(1); i < ports.size(); i = next.fetch_add(1)) {
      services[i] = Inquiry(ports[i], options.timeout_ms).Run();
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < std::min<std::size_t>(options.threads, ports.size()); ++i) {
    threads.emplace_back(work);
  }
  work();
  threads.clear();
  return services;
}

std::string UpstreamsYaml(std::span<const Service> services) {
  std::string yaml;
  for (const Service& service : services) {
    if (!service.openai) continue;
    if (yaml.empty()) yaml = "upstreams:\n";
    const std::string name = NameOf(service);
    yaml += fmt::format("  {}:\n    url: {}\n", name, service.BaseUrl());
    if (service.needs_key) yaml += "    key_env: OPENAI_API_KEY   # it asks for a key\n";
    for (const ServedModel& model : service.models) {
      yaml += fmt::format("    # model {}", Printable(model.id));
      if (model.context_tokens != 0) yaml += fmt::format(", {} tokens", model.context_tokens);
      yaml += '\n';
    }
  }
  return yaml;
}

}  // namespace assay::scan
