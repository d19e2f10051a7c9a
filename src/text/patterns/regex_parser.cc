// Recursive-descent parser of regular expressions.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "patterns/regex_internal.h"

namespace assay::text::patterns {
namespace {

constexpr int kMaxRepeat = 1000;  // as RE2: larger counts are mistakes or attacks
constexpr int kMaxDepth = 100;    // of groups, keeps the recursion within a small stack

ByteSet RangeSet(int first, int last) {
  ByteSet set;
  for (int byte = first; byte <= last; ++byte) set.set(static_cast<std::size_t>(byte));
  return set;
}

ByteSet SingleByte(char byte) {
  return ByteSet{}.set(static_cast<std::uint8_t>(byte));
}

ByteSet WordSet() {
  ByteSet set;
  for (std::size_t b = 0; b < 256; ++b) set[b] = IsWordByte(static_cast<std::uint8_t>(b));
  return set;
}

ByteSet SpaceSet() {
  return RangeSet('\t', '\r') | SingleByte(' ');
}

// The set of \d, \w, \s and their complements, if `letter` names one.
std::optional<ByteSet> PerlClass(char letter) {
  switch (letter) {
    case 'd':
      return RangeSet('0', '9');
    case 'D':
      return ~RangeSet('0', '9');
    case 'w':
      return WordSet();
    case 'W':
      return ~WordSet();
    case 's':
      return SpaceSet();
    case 'S':
      return ~SpaceSet();
    default:
      return std::nullopt;
  }
}

void AddOtherCase(ByteSet& set) {
  for (std::size_t lower = 'a'; lower <= 'z'; ++lower) {
    const std::size_t upper = lower - 0x20;
    set[lower] = set[upper] = set[lower] || set[upper];
  }
}

RegexNode ClassNode(const ByteSet& bytes) {
  RegexNode node;
  node.kind = RegexNode::Kind::kClass;
  node.bytes = bytes;
  return node;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

class Parser {
 public:
  Parser(std::string_view pattern, bool ignore_case)
      : pattern_(pattern), ignore_case_(ignore_case) {}

  Result<RegexNode> Parse() {
    ASSAY_ASSIGN(RegexNode node, ParseAlternate(0));
    if (!AtEnd()) return Fault(at_, "')' without '('");
    return node;
  }

 private:
  [[nodiscard]] bool AtEnd() const { return at_ == pattern_.size(); }
  [[nodiscard]] char Peek() const { return pattern_[at_]; }
  bool Take(char c) {
    if (AtEnd() || Peek() != c) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] static std::unexpected<Error> Fault(std::size_t at, std::string_view what) {
    return Fail(Code::kInvalidArgument, fmt::format("at byte {}: {}", at, what));
  }

  Result<RegexNode> ParseAlternate(int depth) {
    if (depth > kMaxDepth) return Fault(at_, "groups are nested too deeply");
    std::vector<RegexNode> branches;
    do {
      ASSAY_ASSIGN(RegexNode branch, ParseConcat(depth));
      branches.push_back(std::move(branch));
    } while (Take('|'));
    if (branches.size() == 1) return std::move(branches.front());
    RegexNode node;
    node.kind = RegexNode::Kind::kAlternate;
    node.children = std::move(branches);
    return node;
  }

  Result<RegexNode> ParseConcat(int depth) {
    RegexNode node;
    while (!AtEnd() && Peek() != '|' && Peek() != ')') {
      ASSAY_ASSIGN(RegexNode item, ParseAtom(depth));
      ASSAY_ASSIGN(RegexNode repeated, ParseRepetition(std::move(item)));
      node.children.push_back(std::move(repeated));
    }
    return node;
  }

  Result<RegexNode> ParseAtom(int depth) {
    const std::size_t start = at_;
    const char c = pattern_[at_++];
    switch (c) {
      case '(': {
        if (Take('?') && !Take(':')) return Fault(start, "only (?: is known after '(?'");
        ASSAY_ASSIGN(RegexNode group, ParseAlternate(depth + 1));
        if (!Take(')')) return Fault(start, "'(' without ')'");
        return group;
      }
      case '[':
        return ParseClass(start);
      case '.':
        return ClassNode(~SingleByte('\n'));
      case '\\':
        return ParseEscape(start);
      case '*':
      case '+':
      case '?':
      case '{':
        return Fault(start, fmt::format("nothing to repeat before '{}'", c));
      case '^':
      case '$':
        return Fault(start, fmt::format("anchor '{}' is not supported; escape it", c));
      default:
        return FoldedClass(SingleByte(c));
    }
  }

  [[nodiscard]] RegexNode FoldedClass(ByteSet set) const {
    if (ignore_case_) AddOtherCase(set);
    return ClassNode(set);
  }

  Result<RegexNode> ParseEscape(std::size_t start) {
    if (AtEnd()) return Fault(start, "'\\' at the end");
    if (Peek() == 'b' || Peek() == 'B') {
      RegexNode node;
      node.kind = Peek() == 'b' ? RegexNode::Kind::kBoundary : RegexNode::Kind::kNotBoundary;
      ++at_;
      return node;
    }
    ASSAY_ASSIGN(const ByteSet set, ParseEscapedSet(start));
    return FoldedClass(set);
  }

  // After the backslash: \d and its like, a control character, \xHH, or punctuation.
  Result<ByteSet> ParseEscapedSet(std::size_t start) {
    if (AtEnd()) return Fault(start, "'\\' at the end");
    const char c = pattern_[at_++];
    if (const auto perl = PerlClass(c)) return *perl;
    switch (c) {
      case 't':
        return SingleByte('\t');
      case 'n':
        return SingleByte('\n');
      case 'r':
        return SingleByte('\r');
      case 'f':
        return SingleByte('\f');
      case 'v':
        return SingleByte('\v');
      case 'x': {
        const int high = at_ < pattern_.size() ? HexValue(pattern_[at_]) : -1;
        const int low = at_ + 1 < pattern_.size() ? HexValue(pattern_[at_ + 1]) : -1;
        if (high < 0 || low < 0) return Fault(start, "\\x needs two hexadecimal digits");
        at_ += 2;
        return ByteSet{}.set(static_cast<std::size_t>(high * 16 + low));
      }
      default:
        break;
    }
    if (IsWordByte(static_cast<std::uint8_t>(c))) {
      return Fault(start, fmt::format("unknown escape '\\{}'", c));
    }
    return SingleByte(c);
  }

  // After '['. A ']' that comes first is an ordinary byte.
  Result<RegexNode> ParseClass(std::size_t start) {
    ByteSet set;
    const bool negated = Take('^');
    for (bool first = true; first || AtEnd() || Peek() != ']'; first = false) {
      if (AtEnd()) return Fault(start, "'[' without ']'");
      const std::size_t item_start = at_;
      ASSAY_ASSIGN(const ByteSet item, ParseClassItem());
      const bool is_range = at_ + 1 < pattern_.size() && Peek() == '-' && pattern_[at_ + 1] != ']';
      if (!is_range) {
        set |= item;
        continue;
      }
      ++at_;
      ASSAY_ASSIGN(const ByteSet last, ParseClassItem());
      if (item.count() != 1 || last.count() != 1) {
        return Fault(item_start, "a range needs single bytes at both ends");
      }
      if (item._Find_first() > last._Find_first()) return Fault(item_start, "range is reversed");
      set |= RangeSet(static_cast<int>(item._Find_first()), static_cast<int>(last._Find_first()));
    }
    ++at_;
    if (ignore_case_) AddOtherCase(set);
    if (negated) set.flip();
    if (set.none()) return Fault(start, "the class is empty");
    return ClassNode(set);
  }

  Result<ByteSet> ParseClassItem() {
    const std::size_t start = at_;
    if (AtEnd()) return Fault(start, "class without ']'");
    const char c = pattern_[at_++];
    if (c == '\\') return ParseEscapedSet(start);
    if (static_cast<std::uint8_t>(c) >= 0x80) {
      return Fault(start, "a class holds ASCII only; write (?:x|y) for other characters");
    }
    return SingleByte(c);
  }

  Result<RegexNode> ParseRepetition(RegexNode item) {
    while (!AtEnd()) {
      const std::size_t start = at_;
      int min = 0;
      int max = kUnbounded;
      if (Take('+')) {
        min = 1;
      } else if (Take('?')) {
        max = 1;
      } else if (Take('{')) {
        ASSAY_TRY(ParseBounds(start, min, max));
      } else if (!Take('*')) {
        break;
      }
      if (start == repeat_end_) {
        return Fault(start, "lazy and doubled repetitions are not supported; use a group");
      }
      repeat_end_ = at_;
      RegexNode node;
      node.kind = RegexNode::Kind::kRepeat;
      node.min = min;
      node.max = max;
      node.children.push_back(std::move(item));
      item = std::move(node);
    }
    return item;
  }

  Result<void> ParseBounds(std::size_t start, int& min, int& max) {
    ASSAY_ASSIGN(min, ParseCount(start));
    max = min;
    if (Take(',')) {
      max = kUnbounded;
      if (!AtEnd() && Peek() != '}') {
        ASSAY_ASSIGN(max, ParseCount(start));
        if (max < min) return Fault(start, "bounds are reversed");
      }
    }
    if (!Take('}')) return Fault(start, "'{' without '}'");
    return {};
  }

  Result<int> ParseCount(std::size_t start) {
    if (AtEnd() || Peek() < '0' || Peek() > '9') return Fault(start, "'{' needs a number");
    int value = 0;
    while (!AtEnd() && Peek() >= '0' && Peek() <= '9') {
      value = value * 10 + (pattern_[at_++] - '0');
      if (value > kMaxRepeat) return Fault(start, fmt::format("more than {} times", kMaxRepeat));
    }
    return value;
  }

  std::string_view pattern_;
  bool ignore_case_;
  std::size_t at_ = 0;
  std::size_t repeat_end_ = 0;  // where the last repetition ended; a second one there is a fault
};

}  // namespace

Result<RegexNode> ParseRegex(std::string_view pattern, bool ignore_case) {
  return Parser(pattern, ignore_case).Parse();
}

}  // namespace assay::text::patterns
