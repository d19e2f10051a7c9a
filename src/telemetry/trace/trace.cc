#include "assay/telemetry/trace.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace assay::telemetry {
namespace {

constexpr std::size_t kMaxTracestateMembers = 32;  // section 3.3.1.1
constexpr std::size_t kMaxTracestateBytes =
    512;  // section 3.3.1.5: what must at least be passed on

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Reads bytes.size() * 2 lower-case hex digits.
bool ReadHex(std::string_view text, std::span<std::uint8_t> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = HexDigit(text[2 * i]);
    const int low = HexDigit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

void AppendHex(std::string& out, std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::size_t begin = out.size();
  out.resize(begin + 2 * bytes.size());
  char* to = out.data() + begin;
  for (const std::uint8_t byte : bytes) {
    *to++ = kDigits[byte >> 4];
    *to++ = kDigits[byte & 15];
  }
}

bool AllZero(std::span<const std::uint8_t> bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

// Random bytes that are not all zero.
void Fill(core::Rng& rng, std::span<std::uint8_t> bytes) {
  do {
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(std::uint64_t)) {
      const std::uint64_t bits = rng.NextU64();
      std::memcpy(bytes.data() + i, &bits, std::min(sizeof(bits), bytes.size() - i));
    }
  } while (AllZero(bytes));
}

std::string_view Trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

bool LowerOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool KeyChar(char c) {
  return LowerOrDigit(c) || c == '_' || c == '-' || c == '*' || c == '/';
}

// Section 3.3.1.3.1: `key` or `tenant@system`.
bool ValidKey(std::string_view key) {
  const std::size_t at = key.find('@');
  if (at == std::string_view::npos) {
    return !key.empty() && key.size() <= 256 && key[0] >= 'a' && key[0] <= 'z' &&
           std::ranges::all_of(key, KeyChar);
  }
  const std::string_view tenant = key.substr(0, at);
  const std::string_view system = key.substr(at + 1);
  return !tenant.empty() && tenant.size() <= 241 && LowerOrDigit(tenant[0]) &&
         std::ranges::all_of(tenant, KeyChar) && !system.empty() && system.size() <= 14 &&
         system[0] >= 'a' && system[0] <= 'z' && std::ranges::all_of(system, KeyChar);
}

// Section 3.3.1.3.2: up to 256 printable characters without ',' and '=', the last no blank.
bool ValidValue(std::string_view value) {
  return !value.empty() && value.size() <= 256 && value.back() != ' ' &&
         std::ranges::all_of(value,
                             [](char c) { return c >= 0x20 && c <= 0x7e && c != ',' && c != '='; });
}

// Adds the members of one header; false when one is not valid or is there twice.
bool AddMembers(std::string_view header, std::vector<std::string_view>& members) {
  while (true) {
    const std::size_t comma = header.find(',');
    const std::string_view member = Trim(header.substr(0, comma));
    if (!member.empty()) {
      const std::size_t equals = member.find('=');
      if (equals == std::string_view::npos) return false;
      const std::string_view key = member.substr(0, equals);
      if (!ValidKey(key) || !ValidValue(member.substr(equals + 1))) return false;
      const bool known = std::ranges::any_of(
          members, [&](std::string_view other) { return other.substr(0, other.find('=')) == key; });
      if (known || members.size() == kMaxTracestateMembers) return false;
      members.push_back(member);
    }
    if (comma == std::string_view::npos) return true;
    header.remove_prefix(comma + 1);
  }
}

}  // namespace

std::optional<TraceContext> TraceContext::Parse(std::string_view traceparent) {
  const std::string_view text = Trim(traceparent);
  if (text.size() < kTraceparentLength) return std::nullopt;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  TraceContext context;
  if (!ReadHex(text.substr(0, 2), version) || !ReadHex(text.substr(3, 32), context.trace_id) ||
      !ReadHex(text.substr(36, 16), context.span_id) || !ReadHex(text.substr(53, 2), flags)) {
    return std::nullopt;
  }
  if (version[0] == 0xff) return std::nullopt;
  const bool longer = text.size() > kTraceparentLength;
  if (longer && (version[0] == 0 || text[kTraceparentLength] != '-')) return std::nullopt;
  if (AllZero(context.trace_id) || AllZero(context.span_id)) return std::nullopt;
  context.sampled = (flags[0] & 1) != 0;
  return context;
}

TraceContext TraceContext::NewRoot(core::Rng& rng) {
  TraceContext context;
  Fill(rng, context.trace_id);
  Fill(rng, context.span_id);
  return context;
}

TraceContext TraceContext::Child(core::Rng& rng) const {
  TraceContext context = *this;
  Fill(rng, context.span_id);
  return context;
}

std::string TraceContext::Traceparent() const {
  std::string out;
  out.reserve(kTraceparentLength);
  out += "00-";
  AppendHex(out, trace_id);
  out += '-';
  AppendHex(out, span_id);
  out += sampled ? "-01" : "-00";
  return out;
}

std::string TraceContext::TraceIdHex() const {
  std::string out;
  AppendHex(out, trace_id);
  return out;
}

std::string TraceContext::SpanIdHex() const {
  std::string out;
  AppendHex(out, span_id);
  return out;
}

std::string JoinTracestate(std::span<const std::string_view> headers) {
  std::vector<std::string_view> members;
  for (const std::string_view header : headers) {
    if (!AddMembers(header, members)) return {};
  }
  std::string out;
  for (const std::string_view member : members) {
    if (out.size() + (out.empty() ? 0 : 1) + member.size() > kMaxTracestateBytes) break;
    if (!out.empty()) out += ',';
    out += member;
  }
  return out;
}

}  // namespace assay::telemetry
