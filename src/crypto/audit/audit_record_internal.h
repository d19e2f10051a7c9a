// audit_record_internal.h: one record of the audit log as text, and its place in the chain.
// Room: crypto.  Format: docs/formats/audit-log.md.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "assay/core/record_file.h"
#include "assay/core/result.h"
#include "assay/crypto/audit_log.h"
#include "assay/crypto/hmac.h"

namespace assay::crypto {

inline constexpr core::RecordFileKind kAuditKind = {.tag = "audit", .version = 1};

// The HMAC of the record before; zeros before the first.
inline constexpr Mac kNoMac = {};

// What is signed: the record's JSON up to its last member.
[[nodiscard]] std::string BodyOf(std::uint64_t sequence, std::int64_t time_ms, std::uint32_t key_id,
                                 const AuditEvent& event);
// Body and MAC as stored: one JSON object.
[[nodiscard]] std::string WithMac(std::string_view body, const Mac& mac);

struct StoredAudit {
  AuditRecord record;
  std::string_view body;  // into the payload
  Mac mac{};
};
// Errors: kDataLoss for anything that WithMac does not write.
[[nodiscard]] Result<StoredAudit> ParseAudit(std::string_view payload);

[[nodiscard]] std::string MacHex(const Mac& mac);
[[nodiscard]] bool ParseMacHex(std::string_view hex, Mac& mac);

// The signing keys of a ring, by identifier.
class AuditKeys {
 public:
  [[nodiscard]] static Result<AuditKeys> Create(const KeyRing& ring);
  [[nodiscard]] std::uint32_t newest_id() const { return keys_.rbegin()->first; }
  [[nodiscard]] Mac Sign(std::uint32_t id, const Mac& before, std::string_view body) const;
  // Why the record cannot stand after one with `before`; empty when it can.
  [[nodiscard]] std::string Check(const StoredAudit& stored, const Mac& before,
                                  std::uint64_t expected_sequence) const;

 private:
  std::map<std::uint32_t, HmacKey> keys_;
};

}  // namespace assay::crypto
