// upstream/http/http_provider.h: an upstream that speaks the OpenAI API over HTTP/1.1 (Ollama,
// vLLM, llama.cpp, OpenAI). Room: gateway (private).  Threads: see provider.h; connections belong
// to the io_context that opened them, so that no lock is taken on the way. The callers' executors
// must be of io_contexts that one thread runs.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "assay/core/clock.h"
#include "assay/core/result.h"
#include "assay/crypto/secret.h"

#include "upstream/provider.h"

namespace assay::gateway {

struct HttpProviderOptions {
  std::string name;              // for logs and metrics
  std::string url;               // http(s)://host[:port][/prefix], usually ending in /v1
  crypto::SecretString api_key;  // sent as "authorization: Bearer ..."; empty = no such header
  std::vector<std::pair<std::string, std::string>> headers;  // sent with every request; no secrets
  std::string ca_file;     // PEM; empty = the system's certificates
  bool verify_tls = true;  // false accepts every certificate: for tests of one's own only

  std::int64_t connect_timeout_ms = 5'000;  // name look-up, TCP and TLS together
  // From the request's first byte to the answer's first; long prompts take minutes on CPUs.
  std::int64_t first_byte_timeout_ms = 300'000;
  std::int64_t gap_timeout_ms = 60'000;     // between two reads of an answer that has begun
  std::int64_t total_timeout_ms = 900'000;  // the whole call

  std::int64_t dns_refresh_ms =
      30'000;  // a name is looked up again for a new connection after this
  std::int64_t idle_timeout_ms = 60'000;  // an idle connection is not used again after this
  std::int64_t max_connection_age_ms =
      600'000;                 // nor an old one, so that changes of the name are followed
  std::size_t max_idle = 128;  // idle connections of one io_context
  std::size_t max_answer_bytes =
      16UL << 20;  // of a collected answer; a streamed one is not bounded here
};

// Errors: kInvalidArgument for a wrong URL, header or limit, or a certificate file that cannot be
// used.
[[nodiscard]] Result<std::unique_ptr<Provider>> MakeHttpProvider(
    HttpProviderOptions options, core::Clock& clock = core::Clock::Real());

}  // namespace assay::gateway
