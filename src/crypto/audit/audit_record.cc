#include <array>
#include <charconv>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "audit/audit_record_internal.h"

namespace assay::crypto {
namespace {

namespace json = boost::json;

constexpr std::string_view kBeforeMac = R"(,"mac":")";
constexpr std::string_view kAfterMac = R"("})";
constexpr std::size_t kHexBytes = 2 * kMacBytes;
constexpr std::size_t kTailBytes = kBeforeMac.size() + kHexBytes + kAfterMac.size();

std::string_view View(json::string_view text) {
  return {text.data(), text.size()};
}

// The members of a record, each of its type; a false return means that it is none.
bool Read(const json::object& object, AuditRecord& record) {
  const auto text = [&](const char* name, std::string& to) {
    const json::value* const value = object.if_contains(name);
    if (value == nullptr || !value->is_string()) return false;
    to = View(value->get_string());
    return true;
  };
  const auto number = [&](const char* name, std::int64_t least, std::int64_t& to) {
    const json::value* const value = object.if_contains(name);
    if (value == nullptr || !value->is_int64() || value->get_int64() < least) return false;
    to = value->get_int64();
    return true;
  };
  std::int64_t sequence = 0;
  std::int64_t key_id = 0;
  if (!number("seq", 1, sequence) || !number("time_ms", INT64_MIN, record.time_ms) ||
      !number("key", 1, key_id) || key_id > UINT32_MAX) {
    return false;
  }
  record.sequence = static_cast<std::uint64_t>(sequence);
  record.key_id = static_cast<std::uint32_t>(key_id);
  AuditEvent& event = record.event;
  if (!text("action", event.action) || !text("actor", event.actor) ||
      !text("subject", event.subject)) {
    return false;
  }
  const json::value* const details = object.if_contains("details");
  if (details == nullptr || !details->is_object()) return false;
  for (const json::key_value_pair& detail : details->get_object()) {
    if (!detail.value().is_string()) return false;
    event.details.emplace_back(View(detail.key()), View(detail.value().get_string()));
  }
  return true;
}

}  // namespace

std::string BodyOf(std::uint64_t sequence, std::int64_t time_ms, std::uint32_t key_id,
                   const AuditEvent& event) {
  json::object details;
  for (const auto& [name, value] : event.details) details[name] = value;
  const json::object object = {{"seq", static_cast<std::int64_t>(sequence)},
                               {"time_ms", time_ms},
                               {"key", key_id},
                               {"action", event.action},
                               {"actor", event.actor},
                               {"subject", event.subject},
                               {"details", std::move(details)}};
  std::string text = json::serialize(object);
  text.pop_back();  // the closing brace, which WithMac writes
  return text;
}

std::string WithMac(std::string_view body, const Mac& mac) {
  return fmt::format("{}{}{}{}", body, kBeforeMac, MacHex(mac), kAfterMac);
}

std::string MacHex(const Mac& mac) {
  std::string hex;
  for (const char byte : mac) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return hex;
}

bool ParseMacHex(std::string_view hex, Mac& mac) {
  if (hex.size() != kHexBytes) return false;
  for (std::size_t i = 0; i < kMacBytes; ++i) {
    unsigned char byte = 0;
    const char* const begin = hex.data() + 2 * i;
    const auto [end, error] = std::from_chars(begin, begin + 2, byte, 16);
    if (error != std::errc() || end != begin + 2) return false;
    mac[i] = static_cast<char>(byte);
  }
  return true;
}

Result<StoredAudit> ParseAudit(std::string_view payload) {
  const auto damaged = [] {
    return Fail(Code::kDataLoss, "it is not a record of this audit log's form");
  };
  StoredAudit stored;
  if (payload.size() <= kTailBytes) return damaged();
  stored.body = payload.substr(0, payload.size() - kTailBytes);
  const std::string_view tail = payload.substr(stored.body.size());
  if (!tail.starts_with(kBeforeMac) || !tail.ends_with(kAfterMac) ||
      !ParseMacHex(tail.substr(kBeforeMac.size(), kHexBytes), stored.mac)) {
    return damaged();
  }
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(payload.data(), payload.size()), error);
  if (error || !value.is_object() || !Read(value.get_object(), stored.record)) return damaged();
  stored.record.json = payload;
  return stored;
}

Result<AuditKeys> AuditKeys::Create(const KeyRing& ring) {
  AuditKeys keys;
  for (const KeyRing::Key& key : ring.keys()) {
    ASSAY_ASSIGN(const SecretBytes derived, ring.Derive(key.id, "audit"));
    ASSAY_ASSIGN(HmacKey hmac, HmacKey::Create(derived.view()));
    keys.keys_.emplace(key.id, std::move(hmac));
  }
  if (keys.keys_.empty()) {
    return Fail(Code::kFailedPrecondition, "there is no key to sign the audit log with");
  }
  return keys;
}

Mac AuditKeys::Sign(std::uint32_t id, const Mac& before, std::string_view body) const {
  return keys_.at(id).Sign(ViewOf(before), body);
}

std::string AuditKeys::Check(const StoredAudit& stored, const Mac& before,
                             std::uint64_t expected_sequence) const {
  if (stored.record.sequence != expected_sequence) {
    return fmt::format("it says that it is record {}", stored.record.sequence);
  }
  const auto key = keys_.find(stored.record.key_id);
  if (key == keys_.end()) {
    return fmt::format("it is signed with key {}, which the key file does not hold",
                       stored.record.key_id);
  }
  if (!ConstantTimeEqual(ViewOf(key->second.Sign(ViewOf(before), stored.body)),
                         ViewOf(stored.mac))) {
    return "its signature is wrong: it, or the one before it, was changed";
  }
  return {};
}

}  // namespace assay::crypto
