#include "yaml/quick.h"

#include <algorithm>

#include "yaml/core_schema.h"
#include "yaml/quick_reader.h"

namespace assay::config::yaml {
namespace {

// Line ends other than \n and characters that YAML does not count as printable (5.1) or once
// counted as line ends: U+0080..9F, U+2028, U+2029, U+FEFF, U+FFFE, U+FFFF. `text` is UTF-8.
bool HoldsOddCharacters(std::string_view text) {
  if (text.find('\r') != std::string_view::npos) return true;
  const auto any = [&](char lead, const auto& is_odd) {
    for (std::size_t at = 0; (at = text.find(lead, at)) != std::string_view::npos; ++at) {
      if (is_odd(text.substr(at + 1, 2))) return true;
    }
    return false;
  };
  return any('\xC2', [](std::string_view next) { return next[0] < '\xA0'; }) ||
         any('\xE2',
             [](std::string_view next) { return next == "\x80\xA8" || next == "\x80\xA9"; }) ||
         any('\xEF', [](std::string_view next) {
           return next == "\xBB\xBF" || next == "\xBF\xBE" || next == "\xBF\xBF";
         });
}

}  // namespace

bool QuickReader::AtMarker() const {
  if (at_ != line_start_ || text_.size() - at_ < 3) return false;
  const std::string_view three = text_.substr(at_, 3);
  return (three == "---" || three == "...") && IsBlankAt(at_ + 3);
}

bool QuickReader::NextToken() {
  while (true) {
    while (Peek() == ' ') ++at_;
    if (AtEnd()) return true;
    switch (text_[at_]) {
      case '\n':
        line_start_ = ++at_;
        continue;
      case '\t':
        return false;
      case '#': {
        if (at_ != line_start_ && text_[at_ - 1] != ' ') return false;
        at_ = std::min(text_.find('\n', at_), text_.size());
        continue;
      }
      case '%':
      case '-':
      case '.':
        return !AtMarker() && !(at_ == line_start_ && text_[at_] == '%');
      default:
        return true;
    }
  }
}

bool QuickReader::EndLine() {
  const std::size_t line = line_start_;
  return NextToken() && (AtEnd() || line_start_ != line);
}

bool QuickReader::Read(Value& root) {
  // One "---" may stand in front.
  while (text_.substr(at_).starts_with('#') || Peek() == '\n') {
    at_ = std::min(text_.find('\n', at_), text_.size());
    line_start_ = at_ = std::min(at_ + 1, text_.size());
  }
  if (text_.substr(at_).starts_with("---\n")) line_start_ = at_ += 4;
  if (!NextToken() || AtEnd()) return false;
  return ReadNode(-1, 0, true, root) && AtEnd();
}

bool QuickReader::ReadNode(Column parent, std::size_t depth, bool own_line, Value& value) {
  if (!Count(depth)) return false;
  const char c = Peek();
  if (AtDash()) return own_line && ReadSequence(depth, value);
  if (c == '|' || c == '>') return ReadBlockScalar(parent, value) && NextToken();
  if (c == '[' || c == '{') return ReadFlow(parent, depth, value) && EndLine();
  if (own_line && AtKey()) return ReadMapping(depth, value);
  if (c == '"' || c == '\'') {
    const std::uint32_t begin = offset();
    std::string_view string;
    if (!ReadQuoted(parent, true, string)) return false;
    value = Value(string, begin);
  } else if (!MayBeginPlain() || !ReadPlain(parent, value)) {
    return false;
  }
  return EndLine();
}

bool QuickReader::ReadSequence(std::size_t depth, Value& value) {
  if (depth + 1 > max_depth_) return false;
  const Column indent = column();
  const std::uint32_t begin = offset();
  const std::size_t mark = stack_.MarkList();
  do {
    const std::size_t line = line_start_;
    ++at_;
    if (!NextToken()) return false;
    // libfyaml refuses some lists in which an item is left out.
    Value item;
    if (AtEnd() || (line_start_ != line && column() <= indent)) return false;
    if (!ReadNode(indent, depth + 1, true, item)) return false;
    stack_.AddItem() = item;
  } while (!AtEnd() && column() == indent && AtDash());
  if (!AtEnd() && column() > indent) return false;
  value = Value(stack_.CloseList(mark), begin);
  return true;
}

bool QuickReader::AtKey() {
  const std::size_t begin = at_;
  std::size_t end = 0;
  if (Peek() == '"' || Peek() == '\'') {
    bool simple = false;
    bool folded = false;
    if (!FindQuotedEnd(end, simple, folded) || folded) return false;
    ++end;
  } else if (!MayBeginPlain() || !FindPlainEnd(begin, false, end)) {
    return false;
  }
  while (end < text_.size() && text_[end] == ' ') ++end;
  return end < text_.size() && text_[end] == ':' && IsBlankAt(end + 1);
}

bool QuickReader::ReadKey(std::string_view& key) {
  const std::size_t begin = at_;
  if (Peek() == '"' || Peek() == '\'') {
    if (!ReadQuoted(0, false, key)) return false;
  } else {
    std::size_t end = 0;
    if (!MayBeginPlain() || !FindPlainEnd(begin, false, end)) return false;
    key = text_.substr(begin, end - begin);
    at_ = end;
  }
  while (Peek() == ' ') ++at_;
  if (Peek() != ':' || !IsBlankAt(at_ + 1) || at_ - begin > kLongestKeyBytes) return false;
  ++at_;
  return true;
}

bool QuickReader::ReadMapping(std::size_t depth, Value& value) {
  if (depth + 1 > max_depth_) return false;
  const Column indent = column();
  const std::uint32_t begin = offset();
  const std::size_t mark = stack_.MarkMap();
  do {
    Member member;
    member.key_offset = offset();
    if (AtDash() || !Count(depth + 1) || !ReadKey(member.key)) return false;
    member.value = Value(nullptr, member.key_offset);
    if (!ReadMember(indent, depth + 1, member.value)) return false;
    stack_.AddMember() = member;
  } while (!AtEnd() && column() == indent);
  if (!AtEnd() && column() > indent) return false;
  Value::Map map;
  if (stack_.CloseMap(mark, map)) return false;
  value = Value(map, begin);
  return true;
}

// What stands behind a key and its ':', if anything.
bool QuickReader::ReadMember(Column indent, std::size_t depth, Value& value) {
  const std::size_t line = line_start_;
  if (!NextToken()) return false;
  if (!AtEnd()) {
    if (line_start_ == line) return ReadNode(indent, depth, false, value);
    if (column() > indent) return ReadNode(indent, depth, true, value);
    // A list may stand under its key without being indented.
    if (column() == indent && AtDash()) return Count(depth) && ReadSequence(depth, value);
  }
  return Count(depth);
}

std::optional<Value> ParseQuickly(const Source& source) {
  if (HoldsOddCharacters(source.text)) return std::nullopt;
  Value root;
  if (!QuickReader(source).Read(root)) return std::nullopt;
  return root;
}

}  // namespace assay::config::yaml
