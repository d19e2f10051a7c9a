// assay/scan/services.h: what listens on an open port, and which models it serves.
// Room: scan (uses core).  Threads: Identify starts its own; one call at a time is enough.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/scan/scanner.h"

namespace assay::scan {

enum class ServiceKind : std::uint8_t {
  kUnknown,  // nothing that these questions bring to light
  kHttp,     // an HTTP server of another kind
  kOpenAi,   // speaks the OpenAI interface, no more is known
  kAssay,
  kOllama,
  kVllm,
  kLlamaCpp,
  kTgi,  // Text Generation Inference
  kLmStudio,
  kRedis,  // or Valkey
  kPostgres,
};
// "ollama", "vllm", "llama.cpp", ...
[[nodiscard]] std::string_view ServiceName(ServiceKind kind);

struct ServedModel {
  std::string id;
  std::uint64_t context_tokens = 0;  // 0: not told
  friend bool operator==(const ServedModel&, const ServedModel&) = default;
};

struct Service {
  Address address;
  std::uint16_t port = 0;
  ServiceKind kind = ServiceKind::kUnknown;
  bool tls = false;
  bool openai = false;     // an upstream for the gateway
  bool needs_key = false;  // it asks for credentials before it says more
  std::string version;     // empty: not told
  std::vector<ServedModel> models;
  std::int64_t connect_ns = 0;

  // "http://10.0.0.7:8000/v1". Requires: openai.
  [[nodiscard]] std::string BaseUrl() const;
  friend bool operator==(const Service&, const Service&) = default;
};

struct IdentifyOptions {
  std::uint32_t timeout_ms = 2'000;  // for one question, 1 to 60,000
  std::uint32_t threads = 16;        // ports at once, 1 to 256
};

// Asks each port, in this order, until one answer tells: GET /v1/models (over HTTP, then TLS; the
// certificate is not judged, nothing secret is sent), the questions of that server's own kind
// (/api/version, /version, /props, /info, /api/v0/models), PING of Redis, SSLRequest of PostgreSQL.
// At most 1 MiB of an answer is read. Order as in `ports`. Errors: kInvalidArgument for options out
// of range; a port that does not answer is kUnknown.
[[nodiscard]] Result<std::vector<Service>> Identify(std::span<const OpenPort> ports,
                                                    const IdentifyOptions& options = {});

// What the upstreams of assay.yaml are for these services: a block of YAML that begins with
// "upstreams:"; empty where there is none.
[[nodiscard]] std::string UpstreamsYaml(std::span<const Service> services);

}  // namespace assay::scan
