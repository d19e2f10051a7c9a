// JSON (RFC 8259): simdjson's first stage finds the tokens and checks strings and UTF-8 (Langdale
// and Lemire 2019, section 3.1); the grammar and the tree are ours, since its own trees do not know
// where a value stands.
#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>

#include <fmt/format.h>
#include <simdjson.h>

#include "assay/text/utf8.h"

#include "parse_internal.h"
#include "scalars.h"

namespace assay::config {
namespace {

using Tokens = std::unique_ptr<simdjson::internal::dom_parser_implementation>;

constexpr bool IsSpace(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

class TreeBuilder {
 public:
  // `tokens` holds `count` offsets and then the size of the text.
  TreeBuilder(const Source& source, const std::uint32_t* tokens, std::size_t count)
      : source_(source),
        text_(source.text),
        tokens_(tokens),
        end_(tokens + count),
        budget_(source.options),
        backslash_(std::min(text_.find('\\'), text_.size())),
        stack_(source.arena, source.options.allow_duplicate_keys) {}

  Result<Value> Read() {
    Value root;
    const Token token = ReadValue(tokens_, 0, [&]() -> Value& { return root; });
    if (token == nullptr) return source_.Refuse(problem_at_, problem_);
    if (token < end_) {
      return source_.Refuse(*token, "only one value may stand in a JSON document");
    }
    return root;
  }

 private:
  // The place of a token's offset. Functions take the next one and return the one behind what they
  // have read, or null after they have noted a problem. In a member it would be stored and loaded
  // again at every step, and each step waits for the one before.
  using Token = const std::uint32_t*;

  [[nodiscard]] char At(Token token) const { return *token < text_.size() ? text_[*token] : '\0'; }

  Token Bad(std::size_t at, std::string_view problem) {
    problem_at_ = at;
    problem_ = problem;
    return nullptr;
  }

  // `value` may be in the stack: it is written before anything else is put there.
  Token ReadScalar(Token token, std::size_t depth, Value& value) {
    const std::uint32_t at = *token;
    if (!budget_.Fits(depth)) return Bad(at, budget_.Problem(depth));
    switch (At(token)) {
      case '"': {
        std::string_view string;
        token = ReadString(token, string);
        std::construct_at(&value, string, at);
        return token;
      }
      case 't':
        std::construct_at(&value, true, at);
        return ReadWord(token, "true");
      case 'f':
        std::construct_at(&value, false, at);
        return ReadWord(token, "false");
      case 'n':
        std::construct_at(&value, nullptr, at);
        return ReadWord(token, "null");
      default:
        return ReadNumber(token, value);
    }
  }

  // A value is made where it stays: a copy of one that was just written in parts waits for them.
  // `place()` gives the slot, which moves while the stack grows.
  template <typename Place>
  Token ReadValue(Token token, std::size_t depth, const Place& place) {
    const char first = At(token);
    if (first != '{' && first != '[') return ReadScalar(token, depth, place());
    const std::uint32_t begin = *token++;
    if (!budget_.Fits(depth)) return Bad(begin, budget_.Problem(depth));
    if (first == '{') {
      Value::Map map;
      token = ReadObject(token, depth, map);
      if (token != nullptr) std::construct_at(&place(), map, begin);
    } else {
      Value::List list;
      token = ReadArray(token, depth, list);
      if (token != nullptr) std::construct_at(&place(), list, begin);
    }
    return token;
  }

  Token ReadObject(Token token, std::size_t depth, Value::Map& map) {
    const std::size_t mark = stack_.MarkMap();
    SeenKeys seen;
    bool open = At(token) != '}';
    if (!open) ++token;
    while (open) {
      const std::size_t index = stack_.MarkMap();
      Member& member = stack_.AddMember();
      member.key_offset = *token;
      if (At(token) != '"') return Bad(*token, "a key in quotes must stand here");
      token = ReadString(token, member.key);
      if (token == nullptr) return nullptr;
      seen.Add(member.key);
      if (At(token) != ':') return Bad(*token, "a ':' must stand between a key and its value");
      const auto place = [&]() -> Value& { return stack_.member(index).value; };
      token = ReadValue(token + 1, depth + 1, place);
      if (token == nullptr) return nullptr;
      open = At(token) == ',';
      if (!open && At(token) != '}') {
        return Bad(*token, "a ',' or '}' must stand after the value of a key");
      }
      ++token;
    }
    if (!seen.may_repeat()) {
      map = stack_.CloseUniqueMap(mark);
    } else if (const auto duplicate = stack_.CloseMap(mark, map)) {
      return Bad(duplicate->second, duplicate_message_ = duplicate->Message(text_));
    }
    return token;
  }

  Token ReadArray(Token token, std::size_t depth, Value::List& list) {
    const std::size_t mark = stack_.MarkList();
    bool open = At(token) != ']';
    if (!open) ++token;
    while (open) {
      token = ReadValue(token, depth + 1, [&]() -> Value& { return stack_.AddItem(); });
      if (token == nullptr) return nullptr;
      open = At(token) == ',';
      if (!open && At(token) != ']') {
        return Bad(*token, "a ',' or ']' must stand after an item of a list");
      }
      ++token;
    }
    list = stack_.CloseList(mark);
    return token;
  }

  // The token begins with a quote; only white space stands between its last quote and the next
  // token, so that one is found from behind.
  [[gnu::always_inline]] Token ReadString(Token token, std::string_view& string) {
    const std::size_t begin = *token++ + 1;
    std::size_t end = *token;
    while (text_[end - 1] != '"') {
      if (!IsSpace(text_[--end])) return Bad(begin - 1, "the string has no end");
    }
    if (end <= begin) return Bad(begin - 1, "the string has no end");
    string = text_.substr(begin, end - 1 - begin);
    if (end > backslash_ && HoldsBackslash(begin, end) && !Unescape(string)) return nullptr;
    return token;
  }

  // Whether there is one in [begin, end), where strings are asked about in rising order.
  bool HoldsBackslash(std::size_t begin, std::size_t end) {
    if (backslash_ < begin) backslash_ = std::min(text_.find('\\', begin), text_.size());
    return backslash_ < end;
  }

  [[gnu::noinline]] bool Unescape(std::string_view& string) {
    // No escape is shorter than its text; CopyRun writes up to a word further.
    char* const begin = source_.arena.Reserve(string.size() + sizeof(std::uint64_t));
    char* out = begin;
    for (std::size_t i = 0; i < string.size();) {
      i += CopyRun(string.substr(i), out);
      if (i == string.size()) break;
      const auto at = static_cast<std::size_t>(string.data() + i - text_.data());
      const char letter = i + 1 < string.size() ? string[i + 1] : '\0';
      if (letter == 'u') {
        const std::size_t size = UnescapeUnicode(string.substr(i), out);
        if (size == 0)
          return Bad(at, "the escape \\u needs four hexadecimal digits of a character") != nullptr;
        i += size;
        continue;
      }
      const char meaning = MeaningOf(letter);
      if (meaning == '\0') {
        return Bad(at, "there is no such escape; write \\\\ for a backslash") != nullptr;
      }
      *out++ = meaning;
      i += 2;
    }
    string = source_.arena.Keep(begin, static_cast<std::size_t>(out - begin));
    return true;
  }

  // What stands for the letter behind a backslash; '\0' where there is no such escape.
  static char MeaningOf(char letter) {
    switch (letter) {
      case '"':
      case '\\':
      case '/':
        return letter;
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      default:
        return '\0';
    }
  }

  // Copies up to the first backslash, or all, and returns the number of bytes.
  static std::size_t CopyRun(std::string_view text, char*& out) {
    std::size_t i = 0;
    for (; i + sizeof(std::uint64_t) <= text.size(); i += sizeof(std::uint64_t)) {
      std::memcpy(out + i, text.data() + i, sizeof(std::uint64_t));
      if (WordHolds<std::uint64_t>(text.data() + i, '\\')) break;
    }
    while (i < text.size() && text[i] != '\\') {
      out[i] = text[i];
      ++i;
    }
    out += i;
    return i;
  }

  // "\u00e4", or a pair of surrogates. Returns the bytes read; 0 when it is neither.
  static std::size_t UnescapeUnicode(std::string_view escape, char*& out) {
    const auto high = ReadHex(escape.substr(2), 4);
    if (!high) return 0;
    if (IsScalarValue(*high)) {
      out = WriteUtf8(*high, out);
      return 6;
    }
    if (*high >= 0xDC00 || escape.size() < 12 || escape[6] != '\\' || escape[7] != 'u') return 0;
    const auto low = ReadHex(escape.substr(8), 4);
    if (!low || *low < 0xDC00 || *low > 0xDFFF) return 0;
    out = WriteUtf8(0x10000 + ((*high - 0xD800) << 10) + (*low - 0xDC00), out);
    return 12;
  }

  // Whether nothing but white space or punctuation follows.
  bool EndsAt(std::size_t end) const {
    if (end >= text_.size()) return true;
    const char c = text_[end];
    return c == ',' || c == '}' || c == ']' || c == ':' || c == '[' || c == '{' || IsSpace(c);
  }

  Token ReadWord(Token token, std::string_view word) {
    const std::size_t at = *token;
    if (text_.substr(at, word.size()) == word && EndsAt(at + word.size())) return token + 1;
    return Bad(at, "neither true, false, null, a number, a string in quotes, a list nor a map");
  }

  Token ReadNumber(Token token, Value& value) {
    const std::uint32_t at = *token;
    if (at >= text_.size()) return Bad(at, "the document ends where a value must stand");
    const char first = text_[at];
    if (first != '-' && !IsDigit(first)) {
      return Bad(at,
                 "a value must stand here: true, false, null, a number, a string, a list, a map");
    }
    // Most numbers are short and whole.
    constexpr std::size_t kShort = 18;
    std::int64_t whole = 0;
    std::size_t end = at;
    for (; end < text_.size() && end - at < kShort && IsDigit(text_[end]); ++end) {
      whole = whole * 10 + (text_[end] - '0');
    }
    if (end > at && EndsAt(end) && (first != '0' || end == at + 1)) {
      std::construct_at(&value, whole, at);
      return token + 1;
    }
    const Decimal decimal = ReadDecimal(text_.substr(at));
    if (decimal.size == 0 || !EndsAt(at + decimal.size))
      return Bad(at, "this is no number of JSON");
    if (decimal.too_large) return Bad(at, "the number is too large");
    if (decimal.is_integer) {
      std::construct_at(&value, decimal.integer, at);
    } else {
      std::construct_at(&value, decimal.number, at);
    }
    return token + 1;
  }

  const Source& source_;
  std::string_view text_;
  Token tokens_;
  Token end_;
  Budget budget_;
  std::size_t backslash_;  // the next one from here on
  TreeStack stack_;
  std::size_t problem_at_ = 0;
  std::string_view problem_;
  std::string duplicate_message_;
};

// Where the text stops being what simdjson's first stage accepts: its errors name no place.
std::size_t FirstFault(std::string_view text) {
  bool inside = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!inside) {
      inside = c == '"';
      if (inside) begin = i;
    } else if (c == '\\') {
      ++i;
    } else if (c == '"') {
      inside = false;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      return i;
    }
  }
  return inside ? begin : text.size();
}

}  // namespace

Result<Value> ParseJson(const Source& source) {
  const std::string_view text = source.text;
  Tokens tokens;
  // The depth concerns stage 2 alone, which is not used.
  auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
      std::max<std::size_t>(text.size(), 1), 1, tokens);
  if (!error) {
    error = tokens->stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                           simdjson::stage1_mode::regular);
  }
  if (error == simdjson::MEMALLOC || error == simdjson::CAPACITY) {
    return Fail(Code::kResourceExhausted,
                fmt::format("{}: {}", source.file, simdjson::error_message(error)));
  }
  if (error == simdjson::UTF8_ERROR) {
    const auto fault = text::FindUtf8Error(text);
    return source.Refuse(fault ? fault->offset : 0, "this is no UTF-8; save the file as UTF-8");
  }
  if (error) return source.Refuse(FirstFault(text), simdjson::error_message(error));
  return TreeBuilder(source, tokens->structural_indexes.get(), tokens->n_structural_indexes).Read();
}

}  // namespace assay::config
