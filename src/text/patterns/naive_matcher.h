// The oracle of the pattern set's tests and fuzz target: slow, and obviously right. An expression
// is matched by backtracking over its syntax tree from every place.
#pragma once
#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

#include "assay/text/pattern_set.h"

#include "patterns/regex_internal.h"

namespace assay::text::patterns {

class NaiveMatcher {
 public:
  // Requires: the patterns are valid.
  explicit NaiveMatcher(std::vector<Pattern> patterns) : patterns_(std::move(patterns)) {
    for (const Pattern& p : patterns_) {
      trees_.push_back(p.kind == PatternKind::kRegex ? ParseRegex(p.text, p.ignore_case).value()
                                                     : RegexNode{});
    }
  }

  [[nodiscard]] std::vector<PatternMatch> FindAll(std::string_view text) const {
    std::vector<PatternMatch> found;
    for (std::uint32_t id = 0; id < patterns_.size(); ++id) {
      const bool regex = patterns_[id].kind == PatternKind::kRegex;
      for (std::uint32_t begin = 0; begin < text.size(); ++begin) {
        const std::size_t end =
            regex ? LongestEnd(trees_[id], text, begin) : LiteralEnd(patterns_[id], text, begin);
        if (end == begin) continue;
        found.push_back({id, {begin, static_cast<std::uint32_t>(end)}});
        if (regex) begin = static_cast<std::uint32_t>(end) - 1;
      }
    }
    std::ranges::sort(found, {}, [](const PatternMatch& m) {
      return std::tuple(m.span.begin, m.span.end, m.pattern);
    });
    return found;
  }

  [[nodiscard]] std::vector<std::uint64_t> Match(std::string_view text) const {
    std::vector<std::uint64_t> bits(std::max<std::size_t>(1, (patterns_.size() + 63) / 64), 0);
    for (const PatternMatch& m : FindAll(text)) {
      bits[m.pattern / 64] |= std::uint64_t{1} << (m.pattern % 64);
    }
    return bits;
  }

 private:
  using Continuation = std::function<void(std::size_t)>;

  static char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c; }

  static bool IsWordAt(std::string_view text, std::size_t at) {
    return at < text.size() && IsWordByte(static_cast<std::uint8_t>(text[at]));
  }

  static std::size_t LiteralEnd(const Pattern& p, std::string_view text, std::size_t begin) {
    if (p.text.size() > text.size() - begin) return begin;
    for (std::size_t i = 0; i < p.text.size(); ++i) {
      const char a = p.text[i];
      const char b = text[begin + i];
      if (a != b && !(p.ignore_case && Lower(a) == Lower(b))) return begin;
    }
    const std::size_t end = begin + p.text.size();
    if (p.whole_word && ((begin > 0 && IsWordAt(text, begin - 1)) || IsWordAt(text, end))) {
      return begin;
    }
    return end;
  }

  static std::size_t LongestEnd(const RegexNode& tree, std::string_view text, std::size_t begin) {
    std::size_t longest = begin;
    Walk(tree, text, begin, [&](std::size_t end) { longest = std::max(longest, end); });
    return longest;
  }

  // Calls `then` with every place where a match of `node` that begins at `at` can end.
  static void Walk(const RegexNode& node, std::string_view text, std::size_t at,
                   const Continuation& then) {
    using Kind = RegexNode::Kind;
    switch (node.kind) {
      case Kind::kClass:
        if (at < text.size() && node.bytes[static_cast<std::uint8_t>(text[at])]) then(at + 1);
        break;
      case Kind::kConcat:
        WalkFrom(node, 0, text, at, then);
        break;
      case Kind::kAlternate:
        for (const RegexNode& child : node.children) Walk(child, text, at, then);
        break;
      case Kind::kRepeat:
        WalkRepeat(node, 0, text, at, then);
        break;
      case Kind::kBoundary:
      case Kind::kNotBoundary: {
        const bool boundary = (at > 0 && IsWordAt(text, at - 1)) != IsWordAt(text, at);
        if (boundary == (node.kind == Kind::kBoundary)) then(at);
        break;
      }
    }
  }

  static void WalkFrom(const RegexNode& node, std::size_t child, std::string_view text,
                       std::size_t at, const Continuation& then) {
    if (child == node.children.size()) return then(at);
    Walk(node.children[child], text, at,
         [&](std::size_t end) { WalkFrom(node, child + 1, text, end, then); });
  }

  static void WalkRepeat(const RegexNode& node, int done, std::string_view text, std::size_t at,
                         const Continuation& then) {
    if (done >= node.min) then(at);
    if (done == node.max) return;
    Walk(node.children.front(), text, at, [&](std::size_t end) {
      // An empty round changes nothing; it counts only towards the least number of rounds.
      if (end > at || done < node.min) WalkRepeat(node, done + 1, text, end, then);
    });
  }

  std::vector<Pattern> patterns_;
  std::vector<RegexNode> trees_;
};

}  // namespace assay::text::patterns
