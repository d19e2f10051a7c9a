#include "upstream/http/response.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace assay::gateway {
namespace {

constexpr std::size_t kMaxLineBytes = 8UL << 10;  // of a chunk extension or trailer
constexpr std::uint32_t kMaxChunkDigits = 15;     // 60 bits: no overflow, more than any answer
constexpr std::size_t kStatusLineMin = 12;        // "HTTP/1.1 200"

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// `lower` is in lower case.
bool SameName(std::string_view name, std::string_view lower) {
  return name.size() == lower.size() && std::equal(name.begin(), name.end(), lower.begin(),
                                                   [](char a, char b) { return Lower(a) == b; });
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// RFC 9110, 5.6.2.
constexpr std::array<bool, 256> kTokenByte = [] {
  std::array<bool, 256> table = {};
  for (const char c : std::string_view(
           "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}();

bool IsToken(std::string_view name) {
  bool all = !name.empty();
  for (const char c : name) all &= kTokenByte[static_cast<unsigned char>(c)];
  return all;
}

// Bare CR, LF and NUL in a line are how answers are split (RFC 9110, 5.5). Eight bytes at a time.
bool HasStrayBytes(std::string_view line) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  const auto equal = [](std::uint64_t word, char c) {
    const std::uint64_t other = word ^ (kOnes * static_cast<unsigned char>(c));
    return (other - kOnes) & ~other & kHighs;
  };
  std::size_t i = 0;
  for (; i + 8 <= line.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, line.data() + i, sizeof word);
    if ((equal(word, '\r') | equal(word, '\n') | equal(word, '\0')) != 0) return true;
  }
  return std::ranges::any_of(line.substr(i),
                             [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

std::optional<std::int64_t> ParseLength(std::string_view value) {
  constexpr std::size_t kMaxDigits = 18;  // fits into 63 bits
  if (value.empty() || value.size() > kMaxDigits) return std::nullopt;
  std::int64_t length = 0;
  for (const char c : value) {
    if (!IsDigit(c)) return std::nullopt;
    length = length * 10 + (c - '0');
  }
  return length;
}

// Whether the comma separated list holds `lower`.
bool ListHolds(std::string_view list, std::string_view lower) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (SameName(Trim(list.substr(0, comma)), lower)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

Result<void> FramingField(std::string_view name, std::string_view value, ResponseHead& head) {
  if (SameName(name, "content-length")) {
    const auto length = ParseLength(value);
    if (!length || (head.content_length >= 0 && head.content_length != *length)) {
      return Fail(Code::kDataLoss, "the upstream's answer has a wrong content-length");
    }
    head.content_length = *length;
  } else if (SameName(name, "transfer-encoding")) {
    // Other codings would have to be asked for with TE, which Assay does not.
    if (head.chunked || !SameName(value, "chunked")) {
      return Fail(Code::kDataLoss,
                  "the upstream's answer has a transfer-encoding other than chunked");
    }
    head.chunked = true;
  } else if (SameName(name, "connection")) {
    if (ListHolds(value, "close")) head.keep_alive = false;
    if (ListHolds(value, "keep-alive")) head.keep_alive = true;
  }
  return {};
}

// By length first: most fields are not wanted.
Result<void> Field(std::string_view name, std::string_view value, ResponseHead& head) {
  switch (name.size()) {
    case 10:
    case 14:
    case 17:
      if (SameName(name, "retry-after-ms")) {
        head.retry_after_ms = value;
        return {};
      }
      return FramingField(name, value, head);
    case 11:
      if (SameName(name, "retry-after")) head.retry_after = value;
      return {};
    case 12:
      if (SameName(name, "content-type")) head.content_type = value;
      if (SameName(name, "x-request-id")) head.request_id = value;
      return {};
    case 16:
      if (SameName(name, "content-encoding")) head.content_encoding = value;
      return {};
    default:
      return {};
  }
}

Result<void> StatusLine(std::string_view line, ResponseHead& head) {
  const bool shape = line.size() >= kStatusLineMin && line.starts_with("HTTP/1.") &&
                     IsDigit(line[7]) && line[8] == ' ' && line[9] >= '1' && line[9] <= '5' &&
                     IsDigit(line[10]) && IsDigit(line[11]) &&
                     (line.size() == kStatusLineMin || line[kStatusLineMin] == ' ') &&
                     !HasStrayBytes(line);
  if (!shape) return Fail(Code::kDataLoss, "the upstream did not answer in HTTP/1.1");
  head.keep_alive = line[7] != '0';
  head.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  return {};
}

}  // namespace

Result<std::optional<ResponseHead>> ParseResponseHead(std::string_view bytes) {
  const std::size_t end = bytes.substr(0, kMaxResponseHeadBytes).find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() >= kMaxResponseHeadBytes) {
      return Fail(Code::kOutOfRange, "the head of the upstream's answer is longer than 16 KiB");
    }
    // Something that does not begin like HTTP will never be a head.
    constexpr std::string_view kStart = "HTTP/1.";
    const std::size_t seen = std::min(bytes.size(), kStart.size());
    if (bytes.substr(0, seen) != kStart.substr(0, seen)) {
      return Fail(Code::kDataLoss, "the upstream did not answer in HTTP/1.1");
    }
    return std::nullopt;
  }
  ResponseHead head;
  head.head_bytes = end + 4;
  std::string_view rest = bytes.substr(0, end + 2);
  bool first = true;
  while (!rest.empty()) {
    const std::size_t line_end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, line_end);
    rest.remove_prefix(line_end + 2);
    if (first) {
      first = false;
      ASSAY_TRY(StatusLine(line, head));
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !IsToken(line.substr(0, colon)) || HasStrayBytes(line)) {
      return Fail(Code::kDataLoss, "the upstream's answer has a malformed header field");
    }
    ASSAY_TRY(Field(line.substr(0, colon), Trim(line.substr(colon + 1)), head));
  }
  // Both: chunked counts, and the connection is not trusted again (RFC 9112, 6.3).
  if (head.chunked && head.content_length >= 0) {
    head.content_length = -1;
    head.keep_alive = false;
  }
  return head;
}

BodyDecoder::BodyDecoder(const ResponseHead& head) {
  if (head.status < 200 || head.status == 204 || head.status == 304) {
    phase_ = Phase::kDone;
  } else if (head.chunked) {
    phase_ = Phase::kChunkSize;
  } else if (head.content_length >= 0) {
    remaining_ = static_cast<std::uint64_t>(head.content_length);
    phase_ = remaining_ == 0 ? Phase::kDone : Phase::kLength;
  } else {
    phase_ = Phase::kUntilClose;
  }
}

void BodyDecoder::EndSizeLine() {
  phase_ = remaining_ == 0 ? Phase::kTrailer : Phase::kChunkData;
  digits_ = 0;
  line_bytes_ = 0;
  trailer_bytes_ = 0;
}

bool BodyDecoder::SizeByte(char byte) {
  const char c = Lower(byte);
  if (IsDigit(c) || (c >= 'a' && c <= 'f')) {
    if (++digits_ > kMaxChunkDigits) return false;
    remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(IsDigit(c) ? c - '0' : c - 'a' + 10);
    return true;
  }
  if (digits_ == 0) return false;
  phase_ = Phase::kChunkExtension;
  if (byte == '\r') {
    after_cr_ = true;
    return true;
  }
  return byte == ';' || byte == ' ' || byte == '\t';
}

bool BodyDecoder::Framing(char byte) {
  if (after_cr_) {
    after_cr_ = false;
    if (byte != '\n') return false;
    if (phase_ == Phase::kChunkExtension) {
      EndSizeLine();
    } else if (phase_ == Phase::kChunkEnd) {
      phase_ = Phase::kChunkSize;
      remaining_ = 0;
    } else {  // a trailer line; an empty one ends the body
      if (line_bytes_ == 0) phase_ = Phase::kDone;
      line_bytes_ = 0;
    }
    return true;
  }
  if (phase_ == Phase::kChunkSize) return SizeByte(byte);
  if (byte == '\r') {
    after_cr_ = true;
    return true;
  }
  if (phase_ == Phase::kChunkEnd || byte == '\n') return false;
  if (phase_ == Phase::kTrailer && ++trailer_bytes_ > kMaxResponseHeadBytes) return false;
  return ++line_bytes_ <= kMaxLineBytes;
}

Result<BodyDecoder::Step> BodyDecoder::Decode(std::span<char> bytes) {
  Step step;
  while (step.taken < bytes.size() && phase_ != Phase::kDone) {
    const std::size_t left = bytes.size() - step.taken;
    if (phase_ != Phase::kLength && phase_ != Phase::kChunkData && phase_ != Phase::kUntilClose) {
      if (!Framing(bytes[step.taken++])) {
        return Fail(Code::kDataLoss, "the upstream's answer has a malformed chunk");
      }
      continue;
    }
    std::size_t count = left;
    if (phase_ != Phase::kUntilClose) {
      count = static_cast<std::size_t>(std::min<std::uint64_t>(left, remaining_));
      remaining_ -= count;
    }
    if (step.taken != step.body_bytes) {
      std::memmove(bytes.data() + step.body_bytes, bytes.data() + step.taken, count);
    }
    step.body_bytes += count;
    step.taken += count;
    if (phase_ != Phase::kUntilClose && remaining_ == 0) {
      phase_ = phase_ == Phase::kLength ? Phase::kDone : Phase::kChunkEnd;
    }
  }
  return step;
}

}  // namespace assay::gateway
