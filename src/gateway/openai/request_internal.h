// What the gateway must know of an OpenAI request body, and the key of its answer.
// Method: one forward pass (simdjson on demand) writes the canonical form: members sorted by name,
// no whitespace, strings with the fewest escapes, equal numbers alike. Its XXH3-128 is the key.
// Threads: a RequestReader belongs to one thread; after warm-up it does not allocate.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "assay/core/hash.h"
#include "assay/gateway/exchange.h"
#include "assay/gateway/http_message.h"

namespace assay::gateway {

// Raised when equal requests may get another key, so that no stored answer is found under it.
inline constexpr int kRequestKeyVersion = 1;

struct RequestFacts {
  std::string model;
  std::size_t model_offset = 0;  // of the value in the body, quotes included
  std::size_t model_bytes = 0;
  bool stream = false;
  bool stream_usage = false;  // stream_options.include_usage
  std::int64_t choices = 1;   // n (or best_of, if larger)
  std::optional<double> temperature;
  bool has_seed = false;
  std::string user;             // `user`; empty where it is not said or no string
  std::int64_t max_tokens = 0;  // max_tokens or max_completion_tokens; 0: not said
};

// Reads the facts of a body whose key nobody needs, in about a fifth of the time of RequestReader.
// False: the body is unusual or wrong, and RequestReader must read it; the facts then say nothing.
// It accepts nothing that RequestReader refuses, and finds the same facts. O(bytes).
[[nodiscard]] bool ScanRequest(Endpoint endpoint, std::string_view body, std::size_t max_depth,
                               RequestFacts& facts);

// For the two readers: the facts before anything was read, and what a member with a number says.
void ResetFacts(RequestFacts& facts);
void NoteNumber(std::string_view name, std::string_view json, RequestFacts& facts);

// Members of the request that do not change the answer; they are no part of the key. See
// docs/gateway.md.
[[nodiscard]] bool IsKeptFromKey(std::string_view member);

class RequestReader {
 public:
  RequestReader();
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  // Reads a body behind which 64 bytes may be read. nullopt: all is well. The error has status 400
  // and names the field. The whole body is checked to be JSON. O(bytes), and O(m log m) for an
  // object of m members that are not sorted.
  [[nodiscard]] std::optional<ApiError> Read(Endpoint endpoint, std::string_view body,
                                             std::size_t max_depth, RequestFacts& facts);

  // The key of the request read last. `route_version` changes when the route would ask others.
  [[nodiscard]] core::Hash128 Key(std::string_view tenant, std::uint64_t route_version);

  // The canonical form of the request read last, for tests.
  [[nodiscard]] std::string_view CanonicalForTest() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::gateway
