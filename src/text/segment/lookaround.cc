#include <algorithm>

#include "segment/boundary_internal.h"
#include "segment/lookaround_internal.h"

namespace assay::text::segment {

MarkAt ReadMark(std::string_view text, std::size_t at) {
  switch (text[at]) {
    case '.':
      return {Mark::kDot, 1};
    case '!':
    case '?':
      return {Mark::kStrong, 1};
    default:
      break;
  }
  if (!IsNonAscii(text[at])) return {};
  const Decoded decoded = DecodeUtf8(text, at);
  switch (decoded.code_point) {
    case 0x2026:
      return {Mark::kEllipsis, 3};
    case 0x061F:
    case 0x06D4:
    case 0x0964:
    case 0x0965:
    case 0x1362:
    case 0x203C:
    case 0x203D:
    case 0x2047:
    case 0x2048:
    case 0x2049:
      return {Mark::kStrong, decoded.size_bytes};
    case 0x3002:
    case 0xFF0E:
    case 0xFF01:
    case 0xFF1F:
    case 0xFF61:
      return {Mark::kWide, decoded.size_bytes};
    default:
      return {};
  }
}

std::size_t SpaceLength(std::string_view text, std::size_t at) {
  if (IsSpace(text[at])) return 1;
  if (!IsNonAscii(text[at])) return 0;
  const Decoded decoded = DecodeUtf8(text, at);
  return decoded.valid && Classify(decoded.code_point) == CharClass::kSpace ? decoded.size_bytes
                                                                            : 0;
}

Closers ReadClosers(std::string_view text, std::size_t at, std::size_t end) {
  Closers closers{at, false};
  while (closers.end < end) {
    const char c = text[closers.end];
    if (c == ' ' && closers.end + 2 < end && text[closers.end + 1] == '[' &&
        IsDigit(text[closers.end + 2])) {
      ++closers.end;  // "true. [1]"
    } else if (c == '*' || c == '_') {
      ++closers.end;
    } else if (c == '"' || c == '\'' || c == ')' || c == ']' || c == '}') {
      closers.quote_or_bracket = true;
      ++closers.end;
    } else if (c == '[') {
      std::size_t close = closers.end + 1;
      while (close < end && close < closers.end + 12 && text[close] != ']' &&
             !IsSpace(text[close])) {
        ++close;
      }
      if (close >= end || text[close] != ']' || close == closers.end + 1) return closers;
      closers.end = close + 1;
    } else if (IsNonAscii(c)) {
      const Decoded decoded = DecodeUtf8(text, closers.end);
      const CharClass char_class = Classify(decoded.code_point);
      // U+201C closes a German quotation, but never right after a terminator in English.
      if (!decoded.valid ||
          (char_class != CharClass::kFinalQuote && char_class != CharClass::kClose)) {
        return closers;
      }
      closers.quote_or_bracket = true;
      closers.end += decoded.size_bytes;
    } else {
      return closers;
    }
  }
  return closers;
}

Follower ReadFollower(std::string_view text, std::size_t at, std::size_t end) {
  end = std::min(end, at + kWindow);
  Follower follower{at, CharClass::kOther, false, false};
  while (follower.at < end) {
    const char c = text[follower.at];
    if (const std::size_t space = SpaceLength(text, follower.at); space > 0) {
      follower.at += space;
      continue;
    }
    if (c == '"' || c == '\'') {
      follower.quote = true;
      ++follower.at;
    } else if (c == '(' || c == '[' || c == '{') {
      follower.bracket = true;
      ++follower.at;
    } else if (c == '*' || c == '_' || c == '`' || c == '>') {
      ++follower.at;
    } else {
      const Decoded decoded = DecodeUtf8(text, follower.at);
      follower.char_class = decoded.valid ? Classify(decoded.code_point) : CharClass::kLetter;
      if (follower.char_class == CharClass::kInitialQuote) {
        follower.quote = true;
      } else if (follower.char_class == CharClass::kOpen) {
        follower.bracket = true;
      } else {
        return follower;
      }
      follower.at += decoded.size_bytes;
    }
  }
  return follower;
}

std::string_view AfterHyphen(std::string_view word) {
  const std::size_t hyphen = word.rfind('-');
  return hyphen == std::string_view::npos ? word : word.substr(hyphen + 1);
}

std::string_view WordBefore(std::string_view text, std::size_t from, std::size_t at) {
  if (at > from && text[at - 1] == ' ') --at;
  std::size_t begin = at;
  while (begin > from && at - begin < 40) {
    const char c = text[begin - 1];
    if (!IsAlpha(c) && !IsDigit(c) && !IsNonAscii(c) && c != '.' && c != '-' && c != '\'' &&
        c != '&') {
      break;
    }
    --begin;
  }
  // Typographic quotes and dashes before the word belong to no word.
  for (std::size_t i = begin; i < at;) {
    const Decoded decoded = DecodeUtf8(text, i);
    const bool part = decoded.code_point < 0x80 || decoded.code_point == 0x2019 ||
                      IsWordPart(Classify(decoded.code_point)) || !decoded.valid;
    i += decoded.size_bytes;
    if (!part) begin = std::min(i, at);
  }
  return text.substr(begin, at - begin);
}

std::string_view WordAt(std::string_view text, std::size_t at, std::size_t end) {
  std::size_t stop = at;
  while (stop < end && stop - at < 40 && (IsAlpha(text[stop]) || IsNonAscii(text[stop]))) ++stop;
  return text.substr(at, stop - at);
}

}  // namespace assay::text::segment
