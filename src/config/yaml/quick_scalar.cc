#include <algorithm>
#include <array>

#include "scalars.h"
#include "yaml/core_schema.h"
#include "yaml/quick_reader.h"

namespace assay::config::yaml {
namespace {

// Bytes at which a plain scalar may end. Bit 0: in blocks, bit 1: in flow forms.
constexpr auto kPlainStops = [] {
  std::array<std::uint8_t, 256> stops{};
  for (const char c : {'\n', '\t', ':', '#'}) stops[static_cast<unsigned char>(c)] = 3;
  for (const char c : {',', '[', ']', '{', '}'}) stops[static_cast<unsigned char>(c)] = 2;
  return stops;
}();

bool IsFlowIndicator(char c) {
  return c == ',' || c == '[' || c == ']' || c == '{' || c == '}';
}

bool IsWordCharacter(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

bool QuickReader::MayBeginPlain() const {
  const char c = Peek();
  if (IsWordCharacter(c)) return true;
  if (c == '-' || c == '.' || c == '+') {
    const char next = Peek(1);
    return IsWordCharacter(next) || next == '.' || next == '/';
  }
  return c == '/' || c == '~' || c == '<' || c == '$' || c == '(' || c == '=' || c == '^';
}

bool QuickReader::FindPlainEnd(std::size_t at, bool flow, std::size_t& end) {
  const std::uint8_t mask = flow ? 2 : 1;
  std::size_t i = at;
  for (; i < text_.size(); ++i) {
    const char c = text_[i];
    if ((kPlainStops[static_cast<unsigned char>(c)] & mask) == 0) continue;
    if (c == '\t') return false;
    if (c == '#') {
      if (text_[i - 1] == ' ') break;
      continue;
    }
    if (c == ':' && !IsBlankAt(i + 1) && !(flow && IsFlowIndicator(text_[i + 1]))) {
      if (text_[i + 1] == '\t') return false;
      continue;
    }
    break;
  }
  while (i > at && text_[i - 1] == ' ') --i;
  end = i;
  return end > at;
}

bool QuickReader::ReadPlain(Column parent, Value& value) {
  std::size_t end = 0;
  if (!FindPlainEnd(at_, false, end)) return false;
  // Another line belongs to the scalar when it is indented and nothing but white space is between.
  std::size_t next = end;
  while (next < text_.size() && text_[next] == ' ') ++next;
  if (next < text_.size() && text_[next] == '\n') {
    std::size_t line = next;
    while (next < text_.size() && (text_[next] == '\n' || text_[next] == ' ')) {
      if (text_[next++] == '\n') line = next;
    }
    if (next < text_.size() && static_cast<Column>(next - line) > parent && text_[next] != '#') {
      return ReadPlainLines(parent, end, value);
    }
  }
  value = MakePlain(text_.substr(at_, end - at_), offset());
  at_ = end;
  return true;
}

// A plain scalar of several lines (7.3.3): one line end is a space, n are n - 1 line ends.
bool QuickReader::ReadPlainLines(Column parent, std::size_t end, Value& value) {
  const std::uint32_t begin = offset();
  scratch_.assign(text_.substr(at_, end - at_));
  at_ = end;
  while (true) {
    std::size_t next = at_;
    std::size_t breaks = 0;
    std::size_t line = line_start_;
    while (next < text_.size() && (text_[next] == '\n' || text_[next] == ' ')) {
      if (text_[next++] == '\n') {
        ++breaks;
        line = next;
      }
    }
    const bool ends =
        next >= text_.size() || static_cast<Column>(next - line) <= parent || text_[next] == '#';
    if (ends) break;
    at_ = next;
    line_start_ = line;
    if (breaks == 0 || AtMarker() || !FindPlainEnd(at_, false, end)) return false;
    scratch_.append(breaks == 1 ? 1 : breaks - 1, breaks == 1 ? ' ' : '\n');
    scratch_.append(text_.substr(at_, end - at_));
    at_ = end;
    while (Peek() == ' ') ++at_;
    if (Peek() == ':') return false;
    if (Peek() == '#') break;
  }
  // No number and no word of the core schema spans lines.
  value = Value(source_.arena.Text(scratch_), begin);
  return true;
}

// at_ is at the first quote; `end` is the place of the last one.
bool QuickReader::FindQuotedEnd(std::size_t& end, bool& simple, bool& folded) const {
  const char quote = text_[at_];
  simple = true;
  folded = false;
  bool doubled = false;
  for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
    const char c = text_[i];
    if (c == quote) {
      if (quote == '"' || i + 1 >= text_.size() || text_[i + 1] != '\'') {
        end = i;
        return !(doubled && folded);  // libfyaml 0.7.12 reads these in its own way
      }
      simple = false;
      doubled = true;
      ++i;
    } else if (c == '\\' && quote == '"') {
      simple = false;
      if (++i < text_.size() && text_[i] == '\n') return false;
    } else if (c == '\n') {
      simple = false;
      folded = true;
    }
  }
  return false;
}

bool QuickReader::ReadQuoted(Column parent, bool lines, std::string_view& string) {
  std::size_t end = 0;
  bool simple = false;
  bool folded = false;
  const char quote = Peek();
  if (!FindQuotedEnd(end, simple, folded) || (folded && !lines)) return false;
  ++at_;
  if (simple) {
    string = text_.substr(at_, end - at_);
  } else {
    scratch_.clear();
    if (!Unquote(parent, end, quote)) return false;
    string = source_.arena.Text(scratch_);
  }
  at_ = end + 1;
  return true;
}

bool QuickReader::Unquote(Column parent, std::size_t end, char quote) {
  for (std::size_t i = at_; i < end;) {
    const char c = text_[i];
    if (c == '\n' || c == ' ') {
      // White space around a line end goes; elsewhere it stays.
      const std::size_t text = std::min(text_.find_first_not_of(' ', i), end);
      if (text < end && text_[text] == '\n') {
        i = text;
        if (!Fold(parent, i, end)) return false;
      } else {
        scratch_.append(text_.substr(i, text - i));
        i = text;
      }
    } else if (c == '\t') {
      return false;
    } else if (c == '\'' && quote == '\'') {
      scratch_ += c;
      i += 2;
    } else if (c == '\\' && quote == '"') {
      if (!Unescape(i, end)) return false;
    } else {
      scratch_ += c;
      ++i;
    }
  }
  return true;
}

// From a line end to the next text of a scalar in quotes.
bool QuickReader::Fold(Column parent, std::size_t& at, std::size_t end) {
  std::size_t breaks = 0;
  for (; at < end && (text_[at] == '\n' || text_[at] == ' '); ++at) {
    if (text_[at] == '\n') {
      ++breaks;
      line_start_ = at + 1;
    }
  }
  const std::size_t first = at;
  if (static_cast<Column>(first - line_start_) <= parent || text_[first] == '\t') return false;
  if (first == line_start_ && (text_[first] == '-' || text_[first] == '.')) return false;
  scratch_.append(breaks == 1 ? 1 : breaks - 1, breaks == 1 ? ' ' : '\n');
  return true;
}

bool QuickReader::Unescape(std::size_t& at, std::size_t end) {
  constexpr std::string_view kLetters = "\"\\/bfnrt0aev ";
  constexpr std::string_view kMeanings("\"\\/\b\f\n\r\t\0\a\x1B\v ", 13);
  const char letter = text_[at + 1];
  if (const std::size_t which = kLetters.find(letter); which != std::string_view::npos) {
    scratch_ += kMeanings[which];
    at += 2;
    return true;
  }
  const std::size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
  if (digits == 0) return false;
  const auto code_point = ReadHex(text_.substr(at + 2, end - at - 2), digits);
  if (!code_point || !IsScalarValue(*code_point)) return false;
  std::array<char, 4> bytes{};
  scratch_.append(bytes.data(), WriteUtf8(*code_point, bytes.data()));
  at += 2 + digits;
  return true;
}

bool QuickReader::ReadBlockHeader(bool& folded, char& chomping) {
  folded = Peek() == '>';
  ++at_;
  chomping = Peek() == '-' || Peek() == '+' ? text_[at_++] : '\0';
  if (!IsBlankAt(at_)) return false;
  while (Peek() == ' ') ++at_;
  if (Peek() == '#') at_ = std::min(text_.find('\n', at_), text_.size());
  if (Peek() != '\n') return false;
  line_start_ = ++at_;
  return true;
}

// The indentation of the first line that is not empty; no empty one before it may be wider.
bool QuickReader::FindIndent(Column parent, std::size_t& indent) const {
  std::size_t line = at_;
  std::size_t widest = 0;
  for (std::size_t i = at_; i < text_.size(); ++i) {
    if (text_[i] == '\n') {
      widest = std::max(widest, i - line);
      line = i + 1;
    } else if (text_[i] != ' ') {
      indent = i - line;
      return text_[i] != '\t' && static_cast<Column>(indent) > parent && widest <= indent;
    }
  }
  return false;
}

bool QuickReader::ReadBlockLines(Column parent, std::size_t indent, bool folded,
                                 std::size_t& breaks) {
  enum { kNone, kText, kSpaced } before = kNone;
  breaks = 0;
  while (!AtEnd()) {
    std::size_t first = at_;
    while (first < text_.size() && first - at_ < indent && text_[first] == ' ') ++first;
    const std::size_t end = text_.find('\n', first);
    if (first - at_ < indent && (first >= text_.size() || text_[first] != '\n')) {
      return first < text_.size() && static_cast<Column>(first - at_) <= parent;
    }
    if (end == std::string_view::npos) return false;
    const std::string_view line = text_.substr(first, end - first);
    if (!line.empty()) {
      if (line.find_first_not_of(" \t") == std::string_view::npos) return false;
      const auto kind = line[0] == ' ' || line[0] == '\t' ? kSpaced : kText;
      const bool joins = folded && before == kText && kind == kText;
      if (joins && breaks == 1) scratch_ += ' ';
      scratch_.append(joins ? breaks - 1 : breaks, '\n');
      scratch_.append(line);
      before = kind;
      breaks = 0;
    }
    ++breaks;
    line_start_ = at_ = end + 1;
  }
  return true;
}

bool QuickReader::ReadBlockScalar(Column parent, Value& value) {
  bool folded = false;
  char chomping = '\0';
  std::size_t indent = 0;
  std::size_t breaks = 0;
  // In a line of its own libfyaml takes its indentation in another way.
  if (text_.find_first_not_of(' ', line_start_) == at_) return false;
  if (parent < 0 || !ReadBlockHeader(folded, chomping) || !FindIndent(parent, indent)) return false;
  const std::uint32_t begin = offset();  // of its first line, as libfyaml sees it
  scratch_.clear();
  if (!ReadBlockLines(parent, indent, folded, breaks)) return false;
  if (chomping != '-') scratch_.append(chomping == '+' ? breaks : 1, '\n');
  value = Value(source_.arena.Text(scratch_), begin);
  return true;
}

bool QuickReader::SkipFlowSpace(Column parent) {
  const std::size_t line = line_start_;
  if (!NextToken() || AtEnd()) return false;
  return line_start_ == line || column() > parent;
}

bool QuickReader::ReadFlow(Column parent, std::size_t depth, Value& value) {
  const char c = Peek();
  if (c == '[') return ReadFlowSequence(parent, depth, value);
  if (c == '{') return ReadFlowMapping(parent, depth, value);
  const std::uint32_t begin = offset();
  if (c == '"' || c == '\'') {
    std::string_view string;
    if (!ReadQuoted(parent, true, string)) return false;
    value = Value(string, begin);
    return true;
  }
  std::size_t end = 0;
  if (!MayBeginPlain() || !FindPlainEnd(at_, true, end)) return false;
  value = MakePlain(text_.substr(begin, end - begin), begin);
  at_ = end;
  return true;
}

bool QuickReader::ReadFlowSequence(Column parent, std::size_t depth, Value& value) {
  if (depth + 1 > max_depth_) return false;
  const std::uint32_t begin = offset();
  const std::size_t mark = stack_.MarkList();
  ++at_;
  if (!SkipFlowSpace(parent)) return false;
  bool open = Peek() != ']';
  while (open) {
    Value item;
    if (!Count(depth + 1) || !ReadFlow(parent, depth + 1, item)) return false;
    stack_.AddItem() = item;
    if (!SkipFlowSpace(parent)) return false;
    open = Peek() == ',';
    if (!open && Peek() != ']') return false;
    if (open) {
      ++at_;
      if (!SkipFlowSpace(parent)) return false;
    }
  }
  ++at_;
  value = Value(stack_.CloseList(mark), begin);
  return true;
}

bool QuickReader::ReadFlowMapping(Column parent, std::size_t depth, Value& value) {
  if (depth + 1 > max_depth_) return false;
  const std::uint32_t begin = offset();
  const std::size_t mark = stack_.MarkMap();
  ++at_;
  if (!SkipFlowSpace(parent)) return false;
  bool open = Peek() != '}';
  while (open) {
    Member member;
    member.key_offset = offset();
    if (!Count(depth + 1) || !ReadFlowKey(member.key)) return false;
    if (!SkipFlowSpace(parent) || !Count(depth + 1)) return false;
    if (!ReadFlow(parent, depth + 1, member.value)) return false;
    stack_.AddMember() = member;
    if (!SkipFlowSpace(parent)) return false;
    open = Peek() == ',';
    if (!open && Peek() != '}') return false;
    if (open) {
      ++at_;
      if (!SkipFlowSpace(parent)) return false;
    }
  }
  ++at_;
  Value::Map map;
  if (stack_.CloseMap(mark, map)) return false;
  value = Value(map, begin);
  return true;
}

bool QuickReader::ReadFlowKey(std::string_view& key) {
  const std::size_t begin = at_;
  const bool quoted = Peek() == '"' || Peek() == '\'';
  if (quoted) {
    if (!ReadQuoted(0, false, key)) return false;
  } else {
    std::size_t end = 0;
    if (!MayBeginPlain() || !FindPlainEnd(begin, true, end)) return false;
    key = text_.substr(begin, end - begin);
    at_ = end;
  }
  while (Peek() == ' ') ++at_;
  if (Peek() != ':' || (!quoted && !IsBlankAt(at_ + 1)) || at_ - begin > kLongestKeyBytes) {
    return false;
  }
  ++at_;
  return true;
}

}  // namespace assay::config::yaml
