#include "assay/claims/shared/wire.h"

#include <bit>

#include <fmt/format.h>

#include "assay/core/check.h"
#include "assay/text/utf8.h"

#include "shared/cursor_internal.h"

namespace assay::claims {
namespace {

using internal::WireCounter;
using internal::WireReader;
using internal::WireWriter;

static_assert(std::endian::native == std::endian::little, "the wire form is little-endian");

constexpr std::uint32_t kDetails = 1;  // flag of a request
enum class ReplyKind : std::uint32_t { kError, kRecords, kJudgements };

constexpr std::size_t kRecordBytes = sizeof(VerdictRecord);
constexpr std::size_t kSmallestEvidence = 7 * sizeof(std::uint32_t);
constexpr std::size_t kSmallestFinding = 7 * sizeof(std::uint32_t);
constexpr std::size_t kSpanBytes = 2 * sizeof(std::uint32_t);

template <typename Out>
void PutRecord(const VerdictRecord& record, Out& out) {
  out.Number(record.confidence);
  out.Number(record.support);
  out.Number(record.verdict);
}

VerdictRecord TakeRecord(WireReader& in) {
  VerdictRecord record;
  record.confidence = in.Number<float>();
  record.support = in.Number<float>();
  record.verdict = in.Number<std::uint32_t>();
  return record;
}

template <typename Out>
void PutSpan(const text::Span& span, Out& out) {
  out.Number(span.begin);
  out.Number(span.end);
}

text::Span TakeSpan(WireReader& in) {
  const auto begin = in.Number<std::uint32_t>();
  return {begin, in.Number<std::uint32_t>()};
}

template <typename Out>
void PutDetails(const Judgement& judgement, Out& out) {
  out.Number(judgement.support_by_facts);
  out.String(judgement.reason);
  out.Number(static_cast<std::uint32_t>(judgement.evidence.size()));
  for (const Evidence& evidence : judgement.evidence) {
    out.String(evidence.file);
    out.Number(evidence.line);
    out.Number(evidence.page);
    PutSpan(evidence.bytes, out);
    out.String(evidence.text);
    out.Number(evidence.score);
  }
  out.Number(static_cast<std::uint32_t>(judgement.findings.size()));
  for (const FactFinding& finding : judgement.findings) {
    out.Number(static_cast<std::uint32_t>(finding.kind));
    out.Number(std::uint32_t{finding.conflicts});
    PutSpan(finding.claim, out);
    out.String(finding.claim_says);
    out.String(finding.evidence_says);
    out.Number(finding.evidence);
  }
  out.Number(static_cast<std::uint32_t>(judgement.unsupported_words.size()));
  for (const text::Span& word : judgement.unsupported_words) PutSpan(word, out);
}

void TakeEvidence(WireReader& in, Evidence& evidence) {
  evidence.file = in.String();
  evidence.line = in.Number<std::uint32_t>();
  evidence.page = in.Number<std::uint32_t>();
  evidence.bytes = TakeSpan(in);
  evidence.text = in.String();
  evidence.score = in.Number<float>();
}

// False for a kind that there is not.
bool TakeFinding(WireReader& in, FactFinding& finding) {
  const auto kind = in.Number<std::uint32_t>();
  finding.kind = static_cast<FactKind>(kind);
  finding.conflicts = in.Number<std::uint32_t>() != 0;
  finding.claim = TakeSpan(in);
  finding.claim_says = in.String();
  finding.evidence_says = in.String();
  finding.evidence = in.Number<std::uint32_t>();
  return kind <= static_cast<std::uint32_t>(FactKind::kWord);
}

bool TakeDetails(WireReader& in, Judgement& judgement) {
  judgement.support_by_facts = in.Number<float>();
  judgement.reason = in.String();
  judgement.evidence.resize(in.Count(kSmallestEvidence));
  for (Evidence& evidence : judgement.evidence) TakeEvidence(in, evidence);
  judgement.findings.resize(in.Count(kSmallestFinding));
  for (FactFinding& finding : judgement.findings) {
    if (!TakeFinding(in, finding)) return false;
    if (finding.conflicts && finding.evidence >= judgement.evidence.size()) return false;
  }
  judgement.unsupported_words.resize(in.Count(kSpanBytes));
  for (text::Span& word : judgement.unsupported_words) {
    word = TakeSpan(in);
    if (word.begin > word.end) return false;
  }
  return in.ok();
}

template <typename Out>
void PutReply(const Error& error, Out& out) {
  out.Number(kWireVersion);
  out.Number(static_cast<std::uint32_t>(ReplyKind::kError));
  out.Number(static_cast<std::uint32_t>(error.code));
  out.String(error.message);
}

template <typename Out>
void PutReply(std::span<const VerdictRecord> records, Out& out) {
  out.Number(kWireVersion);
  out.Number(static_cast<std::uint32_t>(ReplyKind::kRecords));
  out.Number(static_cast<std::uint32_t>(records.size()));
  for (const VerdictRecord& record : records) PutRecord(record, out);
}

template <typename Out>
void PutReply(std::span<const Judgement> judgements, Out& out) {
  out.Number(kWireVersion);
  out.Number(static_cast<std::uint32_t>(ReplyKind::kJudgements));
  out.Number(static_cast<std::uint32_t>(judgements.size()));
  for (const Judgement& judgement : judgements) PutRecord(RecordOf(judgement), out);
  for (const Judgement& judgement : judgements) PutDetails(judgement, out);
}

template <typename Out>
void PutRequest(const WireRequest& request, Out& out) {
  out.Number(kWireVersion);
  out.Number(request.details ? kDetails : 0U);
  out.String(request.route);
  out.Number(static_cast<std::uint32_t>(request.claims.size()));
  for (const std::string_view claim : request.claims) {
    out.Number(static_cast<std::uint32_t>(claim.size()));
  }
  for (const std::string_view claim : request.claims) out.Raw(claim);
}

auto BrokenReply() {
  return Fail(Code::kDataLoss,
              "the reply in shared memory is broken or of another version; use the same version "
              "of Assay on both sides");
}

// The head of a reply and its records; `in` then stands behind them.
Result<std::vector<VerdictRecord>> TakeReply(WireReader& in, ReplyKind& kind) {
  const auto version = in.Number<std::uint32_t>();
  const auto number = in.Number<std::uint32_t>();
  if (version != kWireVersion || number > static_cast<std::uint32_t>(ReplyKind::kJudgements)) {
    return BrokenReply();
  }
  kind = static_cast<ReplyKind>(number);
  if (kind == ReplyKind::kError) {
    const auto code = in.Number<std::uint32_t>();
    const std::string_view message = in.String();
    if (!in.done() || code >= core::kCodeTable.size()) return BrokenReply();
    return Fail(static_cast<Code>(code), std::string(message));
  }
  std::vector<VerdictRecord> records(in.Count(kRecordBytes));
  for (VerdictRecord& record : records) {
    record = TakeRecord(in);
    if (record.verdict > static_cast<std::uint32_t>(Verdict::kUnverified)) return BrokenReply();
  }
  if (!in.ok()) return BrokenReply();
  return records;
}

template <typename T>
std::size_t ReplyBytes(const T& reply) {
  WireCounter counter;
  PutReply(reply, counter);
  return counter.bytes();
}

template <typename T>
void WriteReply(const T& reply, std::span<char> out) {
  ASSAY_DCHECK(out.size() == ReplyBytes(reply));
  WireWriter writer(out);
  PutReply(reply, writer);
}

}  // namespace

VerdictRecord RecordOf(const Judgement& judgement) {
  return {.confidence = judgement.confidence,
          .support = judgement.support,
          .verdict = static_cast<std::uint32_t>(judgement.verdict)};
}

std::size_t WireBytes(const WireRequest& request) {
  WireCounter counter;
  PutRequest(request, counter);
  return counter.bytes();
}

void WriteWire(const WireRequest& request, std::span<char> out) {
  ASSAY_DCHECK(out.size() == WireBytes(request));
  WireWriter writer(out);
  PutRequest(request, writer);
}

Result<WireRequest> ReadWireRequest(std::string_view bytes) {
  WireReader in(bytes);
  if (const auto version = in.Number<std::uint32_t>(); version != kWireVersion) {
    return Fail(Code::kInvalidArgument,
                fmt::format("the claims have form {}, this is form {}; use the same version of "
                            "Assay on both sides",
                            version, kWireVersion));
  }
  WireRequest request;
  request.details = (in.Number<std::uint32_t>() & kDetails) != 0;
  request.route = in.String();
  request.claims.resize(in.Count(sizeof(std::uint32_t)));
  if (request.claims.size() > kMaxWireClaims) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} claims are too many at once; send at most {}",
                            request.claims.size(), kMaxWireClaims));
  }
  std::vector<std::uint32_t> sizes(request.claims.size());
  for (std::uint32_t& size : sizes) size = in.Number<std::uint32_t>();
  for (std::size_t i = 0; i < sizes.size(); ++i) request.claims[i] = in.Raw(sizes[i]);
  if (!in.done()) return Fail(Code::kInvalidArgument, "the claims' sizes do not fit their bytes");
  if (const auto valid = text::ValidateUtf8(request.route); !valid) {
    return Fail(Code::kInvalidArgument, "route: " + valid.error().message);
  }
  for (std::size_t i = 0; i < request.claims.size(); ++i) {
    if (const auto valid = text::ValidateUtf8(request.claims[i]); !valid) {
      return Fail(Code::kInvalidArgument, fmt::format("claims[{}]: {}", i, valid.error().message));
    }
  }
  return request;
}

std::size_t WireBytes(const Error& error) {
  return ReplyBytes(error);
}
void WriteWire(const Error& error, std::span<char> out) {
  WriteReply(error, out);
}
std::size_t WireBytes(std::span<const VerdictRecord> records) {
  return ReplyBytes(records);
}
void WriteWire(std::span<const VerdictRecord> records, std::span<char> out) {
  WriteReply(records, out);
}
std::size_t WireBytes(std::span<const Judgement> judgements) {
  return ReplyBytes(judgements);
}
void WriteWire(std::span<const Judgement> judgements, std::span<char> out) {
  WriteReply(judgements, out);
}

Result<std::vector<VerdictRecord>> ReadWireRecords(std::string_view bytes) {
  WireReader in(bytes);
  ReplyKind kind{};
  return TakeReply(in, kind);
}

Result<std::vector<Judgement>> ReadWireJudgements(std::string_view bytes) {
  WireReader in(bytes);
  ReplyKind kind{};
  ASSAY_ASSIGN(const auto records, TakeReply(in, kind));
  if (kind != ReplyKind::kJudgements) return BrokenReply();
  std::vector<Judgement> judgements(records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    judgements[i].verdict = static_cast<Verdict>(records[i].verdict);
    judgements[i].confidence = records[i].confidence;
    judgements[i].support = records[i].support;
    if (!TakeDetails(in, judgements[i])) return BrokenReply();
  }
  if (!in.done()) return BrokenReply();
  return judgements;
}

}  // namespace assay::claims
