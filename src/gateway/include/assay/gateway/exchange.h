// assay/gateway/exchange.h: one request to a model with all that became of it.
// Room: gateway (uses core).  Threads: an exchange belongs to the I/O thread of its connection; a
// stage that hands it to another thread does not touch it until it is handed back.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/hash.h"
#include "assay/core/result.h"
#include "assay/gateway/http_message.h"

namespace assay::gateway {

enum class Endpoint : std::uint8_t { kChat, kCompletions, kEmbeddings };
// "/chat/completions", "/completions", "/embeddings": what follows an upstream's base URL.
[[nodiscard]] std::string_view EndpointPath(Endpoint endpoint);

enum class Stage : std::uint8_t {
  kAuthenticate,
  kNormalize,
  kAssignVariant,
  kExactLookup,
  kSemanticLookup,
  kAskExperts,
  kMergeAnswers,
  kCheckClaims,
  kStore,
  kReply,
};
inline constexpr std::size_t kStageCount = 10;
[[nodiscard]] std::string_view StageName(Stage stage);

// What the x-assay-cache header says: "hit; tier=memory", "miss", "bypass".
enum class CacheOutcome : std::uint8_t { kBypass, kMiss, kHit };
enum class CacheTier : std::uint8_t { kNone, kMemory, kCompressed, kDisk, kRedis, kSemantic };
[[nodiscard]] std::string_view CacheOutcomeName(CacheOutcome outcome);
[[nodiscard]] std::string_view CacheTierName(CacheTier tier);

// What the client asked of the cache (cache-control, x-assay-ttl; RFC 9111, 5.2.1).
struct CacheWish {
  bool may_read = true;          // false: no-cache, no-store
  bool may_write = true;         // false: no-store
  std::int64_t max_age_ms = -1;  // an older answer is not wanted; -1: any age that has not expired
  bool only_if_cached = false;   // rather an error than a call
  std::int64_t ttl_ms = -1;      // how long to keep the answer; -1: as the route says
};

// What a document says about a claim; see claims::Evidence.
struct ClaimEvidence {
  std::string file;
  std::uint32_t line = 1;  // 1-based
  std::string text;
  float score = 0;  // share of the claim that it covers, in [0, 1]
};

// One verdict about a claim of the answer, in the form that the record keeps.
struct ClaimVerdict {
  std::string claim;
  std::string verdict;  // "supported", "contradicted", "unverified"
  float confidence = 0;
  std::string reason;
  std::vector<ClaimEvidence> evidence;  // the best, first the best of all
};

struct Usage {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t completion_tokens = 0;
};

// What became of one expert's answer, on a route that asks several.
struct ExpertNote {
  std::string expert;
  std::string upstream;       // empty: no answer
  int status = 0;             // of the upstream's answer; 0: none
  std::string error;          // why there is none
  std::int64_t begin_ns = 0;  // monotonic
  std::int64_t duration_ns = 0;
  Usage usage;
  std::int64_t cost_nanousd = 0;
  std::optional<bool> agreed;  // with what was served; nothing where answers were not compared
};

// When a stage began and how long it took, since the request's last byte came. -1: did not run.
struct StageTime {
  std::int64_t begin_ns = -1;
  std::int64_t duration_ns = 0;
};

struct Exchange {
  // The request.
  Endpoint endpoint = Endpoint::kChat;
  std::string request_id;
  std::string trace_id;  // 32 hexadecimal digits, of the client's traceparent or made here
  std::string parent_id;
  std::string peer;
  std::string key_id;  // empty without keys
  std::string tenant;
  std::string model;     // as the client asked: the route's name
  std::string variants;  // "experiment=variant, ..."; empty: it takes no part in any
  bool stream = false;
  bool stream_usage = false;  // stream_options.include_usage
  bool cacheable = false;     // by the request itself and the route's policy
  CacheWish wish;
  core::Hash128 key;  // of the normalised request; only where `cacheable`
  std::string body;   // the client's bytes
  std::int64_t started_wall_ns = 0;
  std::int64_t started_monotonic_ns = 0;

  // The answer.
  int status = 0;
  std::string content_type;
  std::string answer;    // the finished JSON answer, of a stream too; empty where it was not kept
  std::string upstream;  // the name of the one that answered
  CacheOutcome outcome = CacheOutcome::kBypass;
  CacheTier tier = CacheTier::kNone;
  Usage usage;
  std::int64_t cost_nanousd = 0;
  std::int64_t first_byte_ns = 0;  // of the answer, since the request's last byte
  bool coalesced = false;          // another request in flight asked for it
  bool cancelled = false;          // the client went away

  // Verdicts and trace.
  std::vector<ClaimVerdict> verdicts;
  std::vector<ExpertNote> experts;  // in the order of the route; empty where one was asked
  std::string consensus;            // how their answers became one, in words
  std::string semantic;             // what SemanticLookup found, in words; empty: it did not run
  bool rechecked = false;           // a cached answer, judged again because the documents changed
  std::array<StageTime, kStageCount> stages;
  std::string error;  // why it failed, for the log; never the prompt
};

}  // namespace assay::gateway
