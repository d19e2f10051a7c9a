#include "assay/text/utf8.h"

#include <bit>
#include <cstring>

#include <fmt/format.h>

namespace assay::text {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;

constexpr bool IsContinuation(unsigned char byte) {
  return (byte & 0xC0U) == 0x80U;
}

unsigned char ByteAt(std::string_view text, std::size_t offset) {
  return static_cast<unsigned char>(text[offset]);
}

// First offset at or after `offset` whose byte is not ASCII, or text.size().
std::size_t SkipAscii(std::string_view text, std::size_t offset) {
  while (text.size() - offset >= 32) {
    std::uint64_t words[4];
    std::memcpy(words, text.data() + offset, sizeof(words));
    if (((words[0] | words[1] | words[2] | words[3]) & kHighBits) != 0) break;
    offset += 32;
  }
  while (text.size() - offset >= 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + offset, sizeof(word));
    if (const std::uint64_t high = word & kHighBits; high != 0) {
      const int bit = std::endian::native == std::endian::little ? std::countr_zero(high)
                                                                 : std::countl_zero(high);
      return offset + static_cast<std::size_t>(bit) / 8;
    }
    offset += 8;
  }
  while (offset < text.size() && ByteAt(text, offset) < 0x80) ++offset;
  return offset;
}

// Bounds of the second byte after a lead byte (Unicode table 3-7) and the number of bytes in all.
struct Lead {
  std::uint8_t size_bytes;  // 0: no lead byte
  std::uint8_t second_min;
  std::uint8_t second_max;
};

constexpr Lead LeadOf(unsigned char byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// Why the bytes at `offset`, which start no well-formed sequence, are wrong.
Utf8Fault FaultAt(std::string_view text, std::size_t offset) {
  const unsigned char first = ByteAt(text, offset);
  const bool has_second = offset + 1 < text.size() && IsContinuation(ByteAt(text, offset + 1));
  if (IsContinuation(first)) return Utf8Fault::kStrayContinuation;
  if (first == 0xC0 || first == 0xC1) {
    return has_second ? Utf8Fault::kOverlong : Utf8Fault::kInvalidByte;
  }
  if (first >= 0xF5) return Utf8Fault::kInvalidByte;
  if (!has_second) return Utf8Fault::kTruncated;
  const unsigned char second = ByteAt(text, offset + 1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90)) {
    return Utf8Fault::kOverlong;
  }
  if (first == 0xED && second > 0x9F) return Utf8Fault::kSurrogate;
  if (first == 0xF4 && second > 0x8F) return Utf8Fault::kTooLarge;
  return Utf8Fault::kTruncated;
}

}  // namespace

Decoded DecodeUtf8(std::string_view text, std::size_t offset) {
  const unsigned char first = ByteAt(text, offset);
  if (first < 0x80) return {first, 1, true};
  const Lead lead = LeadOf(first);
  if (lead.size_bytes == 0) return {};
  char32_t code_point = first & (0x7FU >> lead.size_bytes);
  for (std::uint8_t i = 1; i < lead.size_bytes; ++i) {
    if (offset + i >= text.size()) return {kReplacement, i, false};
    const unsigned char byte = ByteAt(text, offset + i);
    const bool fits =
        i == 1 ? byte >= lead.second_min && byte <= lead.second_max : IsContinuation(byte);
    if (!fits) return {kReplacement, i, false};
    code_point = (code_point << 6) | (byte & 0x3FU);
  }
  return {code_point, lead.size_bytes, true};
}

Decoded DecodeUtf8Before(std::string_view text, std::size_t offset) {
  std::size_t start = offset - 1;
  while (start > 0 && offset - start < 4 && IsContinuation(ByteAt(text, start))) --start;
  const Decoded decoded = DecodeUtf8(text.substr(0, offset), start);
  if (decoded.valid && start + decoded.size_bytes == offset) return decoded;
  return {};
}

std::optional<Utf8Error> FindUtf8Error(std::string_view text) {
  std::size_t offset = 0;
  while ((offset = SkipAscii(text, offset)) < text.size()) {
    // Stay in the multi-byte loop while the text does: other scripts rarely switch.
    do {
      const Decoded decoded = DecodeUtf8(text, offset);
      if (!decoded.valid) return Utf8Error{offset, FaultAt(text, offset)};
      offset += decoded.size_bytes;
    } while (offset < text.size() && ByteAt(text, offset) >= 0x80);
  }
  return std::nullopt;
}

std::string_view Describe(Utf8Fault fault) {
  switch (fault) {
    case Utf8Fault::kStrayContinuation:
      return "a continuation byte without a lead byte";
    case Utf8Fault::kInvalidByte:
      return "a byte that occurs in no UTF-8 text";
    case Utf8Fault::kOverlong:
      return "an overlong sequence";
    case Utf8Fault::kSurrogate:
      return "a surrogate (U+D800..DFFF)";
    case Utf8Fault::kTooLarge:
      return "a code point above U+10FFFF";
    case Utf8Fault::kTruncated:
      return "a truncated sequence";
  }
  return "an ill-formed sequence";
}

Result<void> ValidateUtf8(std::string_view text) {
  const std::optional<Utf8Error> error = FindUtf8Error(text);
  if (!error) return {};
  std::string bytes;
  const std::size_t shown = std::min<std::size_t>(4, text.size() - error->offset);
  for (std::size_t i = 0; i < shown; ++i) {
    bytes += fmt::format("{}{:02x}", i == 0 ? "" : " ", ByteAt(text, error->offset + i));
  }
  return Fail(Code::kInvalidArgument, fmt::format("not UTF-8: {} at byte {} ({})",
                                                  Describe(error->fault), error->offset, bytes));
}

void AppendUtf8(char32_t code_point, std::string& out) {
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
    code_point = kReplacement;
  }
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3F));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

std::string RepairUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t offset = 0;
  std::size_t copied = 0;  // everything before it is in `out`
  while ((offset = SkipAscii(text, offset)) < text.size()) {
    const Decoded decoded = DecodeUtf8(text, offset);
    if (!decoded.valid) {
      out.append(text, copied, offset - copied);
      AppendUtf8(kReplacement, out);
      copied = offset + decoded.size_bytes;
    }
    offset += decoded.size_bytes;
  }
  out.append(text, copied);
  return out;
}

std::string EscapeMarkup(std::string_view text) {
  std::string out;
  for (const char c : RepairUtf8(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default: {
        const bool space = c == '\t' || c == '\n' || c == '\r';
        out += static_cast<unsigned char>(c) < 0x20 && !space ? ' ' : c;
      }
    }
  }
  return out;
}

}  // namespace assay::text
