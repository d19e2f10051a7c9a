// assay/claims/shared/wire.h: claims and verdicts as bytes, for processes that share memory.
// Room: claims (uses core).  Threads: pure functions.
// Form, all numbers little-endian: docs/formats/claims-wire.md.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/claims/verdict.h"
#include "assay/core/result.h"

namespace assay::claims {

inline constexpr std::uint32_t kWireVersion = 3;
inline constexpr std::size_t kMaxWireClaims = 1U << 20;

// A batch of claims to be judged against the documents of one route.
struct WireRequest {
  std::string_view route = {};  // empty: the first route with documents
  bool details = false;         // reasons, evidence, findings and unsupported words too
  std::vector<std::string_view> claims = {};
};

[[nodiscard]] std::size_t WireBytes(const WireRequest& request);
// Requires: out.size() == WireBytes(request).
void WriteWire(const WireRequest& request, std::span<char> out);
// Views into `bytes`. Errors: kInvalidArgument for another version or form, for more than
// kMaxWireClaims, and for a claim or route that is not UTF-8, with its index.
[[nodiscard]] Result<WireRequest> ReadWireRequest(std::string_view bytes);

// What a caller needs that only counts.
struct VerdictRecord {
  float confidence = 0;  // as in Judgement
  float support = 0;
  std::uint32_t verdict = 0;  // a Verdict
};
static_assert(sizeof(VerdictRecord) == 12);
[[nodiscard]] VerdictRecord RecordOf(const Judgement& judgement);

// A reply is an error, or records; or whole judgements where details were asked for.
[[nodiscard]] std::size_t WireBytes(const Error& error);
void WriteWire(const Error& error, std::span<char> out);
[[nodiscard]] std::size_t WireBytes(std::span<const VerdictRecord> records);
void WriteWire(std::span<const VerdictRecord> records, std::span<char> out);
[[nodiscard]] std::size_t WireBytes(std::span<const Judgement> judgements);
void WriteWire(std::span<const Judgement> judgements, std::span<char> out);

// The records of a reply, of either form. Errors: the one that the reply holds; kDataLoss for
// another version or form.
[[nodiscard]] Result<std::vector<VerdictRecord>> ReadWireRecords(std::string_view bytes);
// Errors: as above; kDataLoss for a reply without details too.
[[nodiscard]] Result<std::vector<Judgement>> ReadWireJudgements(std::string_view bytes);

}  // namespace assay::claims
