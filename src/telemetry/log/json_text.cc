#include "json_text.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>

#include <fmt/format.h>

#include "assay/telemetry/log.h"

namespace assay::telemetry {
namespace internal {
namespace {

constexpr std::string_view kRedacted = "[redacted]";
constexpr std::size_t kShortestToken = 8;  // what follows a prefix and is shorter is a word

enum class Class : std::uint8_t { kPlain, kEscape, kMulti, kPrefixEnd };

constexpr std::array<Class, 256> kClasses = [] {
  std::array<Class, 256> classes{};
  for (std::size_t c = 0; c < 256; ++c) {
    classes[c] = c < 0x20 || c == '"' || c == '\\' || c == 0x7f ? Class::kEscape
                 : c >= 0x80                                    ? Class::kMulti
                 : c == ' ' || c == '-' || c == '_'             ? Class::kPrefixEnd
                                                                : Class::kPlain;
  }
  return classes;
}();

Class ClassOf(char c) {
  return kClasses[static_cast<unsigned char>(c)];
}

bool TokenChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '/' || c == '+' || c == '=' || c == '*';
}

void AppendEscape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
  }
}

// The length of the well-formed sequence at text[at] (Unicode 15, table 3-7), 0 when there is none.
std::size_t SequenceLength(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const auto trail = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80; };
  const unsigned lead = byte(0);
  const unsigned second = byte(1);
  if (lead >= 0xc2 && lead <= 0xdf) return trail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool range = !(lead == 0xe0 && second < 0xa0) && !(lead == 0xed && second > 0x9f);
    return trail(1) && trail(2) && range ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool range = !(lead == 0xf0 && second < 0x90) && !(lead == 0xf4 && second > 0x8f);
    return trail(1) && trail(2) && trail(3) && range ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::size_t TokenAfter(std::string_view text, std::size_t at) {
  constexpr std::array<std::string_view, 5> kPrefixes = {"sk-", "ask_", "Bearer ", "bearer ",
                                                         "Basic "};
  if (at < 2) return 0;                            // the shortest prefix has three bytes
  constexpr std::string_view kBeforeLast = "krc";  // of the prefixes: most texts need no more look
  if (kBeforeLast.find(text[at - 1]) == std::string_view::npos) return 0;
  const std::string_view before = text.substr(0, at + 1);
  const bool prefix = std::ranges::any_of(kPrefixes, [&](std::string_view one) {
    if (one.back() != text[at] || !before.ends_with(one)) return false;
    const std::size_t begin = before.size() - one.size();
    return begin == 0 || !TokenChar(before[begin - 1]) || before[begin - 1] == '=';  // no "task_"
  });
  if (!prefix) return 0;
  std::size_t end = at + 1;
  while (end < text.size() && TokenChar(text[end])) ++end;
  const std::size_t length = end - at - 1;
  return length >= kShortestToken ? length : 0;
}

bool IsPlainText(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  // Bit 7 of a byte is set where the byte of `word` is `c`; exact up to the first such byte.
  const auto equal = [](std::uint64_t word, char c) {
    const std::uint64_t other = word ^ (kOnes * static_cast<unsigned char>(c));
    return (other - kOnes) & ~other & kHighs;
  };
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, sizeof word);
    const std::uint64_t control = (word - kOnes * 0x20) & ~word;
    const std::uint64_t odd = (word | control) & kHighs;
    if ((odd | equal(word, '"') | equal(word, '\\') | equal(word, 0x7f)) != 0) return false;
    if ((equal(word, ' ') | equal(word, '-') | equal(word, '_')) == 0) continue;
    for (std::size_t j = i; j < i + 8; ++j) {
      if (ClassOf(text[j]) == Class::kPrefixEnd && TokenAfter(text, j) != 0) return false;
    }
  }
  for (; i < text.size(); ++i) {
    const Class what = ClassOf(text[i]);
    if (what == Class::kPlain) continue;
    if (what != Class::kPrefixEnd || TokenAfter(text, i) != 0) return false;
  }
  return true;
}

void AppendJsonString(std::string& out, std::string_view text, std::size_t limit) {
  const bool cut = text.size() > limit;
  if (cut) text = text.substr(0, limit);
  out += '"';
  std::size_t begin = 0;  // of what is not yet appended
  std::size_t i = 0;
  while (i < text.size()) {
    const Class what = ClassOf(text[i]);
    if (what == Class::kPlain) {
      ++i;
    } else if (what == Class::kPrefixEnd) {
      const std::size_t token = TokenAfter(text, i++);
      if (token == 0) continue;
      out += text.substr(begin, i - begin);
      out += kRedacted;
      begin = i += token;
    } else if (what == Class::kEscape) {
      out += text.substr(begin, i - begin);
      AppendEscape(out, text[i]);
      begin = ++i;
    } else if (const std::size_t length = SequenceLength(text, i); length != 0) {
      i += length;
    } else {
      out += text.substr(begin, i - begin);
      out += "\xef\xbf\xbd";
      begin = ++i;
    }
  }
  out += text.substr(begin);
  if (cut) out += "...";
  out += '"';
}

bool IsSecretName(std::string_view key) {
  constexpr std::array<std::string_view, 9> kEndings = {"authorization", "cookie",  "password",
                                                        "passphrase",    "secret",  "token",
                                                        "apikey",        "api_key", "private_key"};
  constexpr std::string_view kLasts = "denty";  // of the endings: most keys need no further look
  if (key.empty() || kLasts.find(key.back()) == std::string_view::npos) return false;
  return std::ranges::any_of(kEndings, [&](std::string_view ending) {
    if (key.back() != ending.back() || !key.ends_with(ending)) return false;
    const std::size_t before = key.size() - ending.size();
    return before == 0 || key[before - 1] == '_' || key[before - 1] == '-';
  });
}

void AppendTime(std::string& out, std::int64_t unix_ns) {
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  struct Cached {  // lines come many in a second
    std::int64_t second = -1;
    std::array<char, 20> text{};  // "2026-11-21T16:01:37."
  };
  thread_local Cached cached;
  std::int64_t second = unix_ns / kNsPerSecond;
  std::int64_t rest = unix_ns % kNsPerSecond;
  if (rest < 0) {
    rest += kNsPerSecond;
    --second;
  }
  if (cached.second != second) {
    std::tm parts{};
    const auto time = static_cast<std::time_t>(second);
    if (::gmtime_r(&time, &parts) == nullptr) parts = {};
    fmt::format_to_n(cached.text.data(), cached.text.size(), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.",
                     parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                     parts.tm_min, parts.tm_sec);
    cached.second = second;
  }
  out.append(cached.text.data(), cached.text.size());
  auto micros = static_cast<std::uint32_t>(rest / 1'000);
  std::array<char, 7> digits{};
  digits[6] = 'Z';
  for (std::size_t i = 6; i-- > 0; micros /= 10) digits[i] = static_cast<char>('0' + micros % 10);
  out.append(digits.data(), digits.size());
}

}  // namespace internal

std::string RedactSecrets(std::string_view text) {
  std::string out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ' ' && text[i] != '-' && text[i] != '_') continue;
    const std::size_t token = internal::TokenAfter(text, i);
    if (token == 0) continue;
    out += text.substr(begin, i + 1 - begin);
    out += internal::kRedacted;
    i += token;
    begin = i + 1;
  }
  out += text.substr(begin);
  return out;
}

}  // namespace assay::telemetry
