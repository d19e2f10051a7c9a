// What can be said of an expression without running it: lengths, first bytes, required prefixes.
#include <algorithm>

#include "patterns/regex_internal.h"

namespace assay::text::patterns {
namespace {

using Kind = RegexNode::Kind;

constexpr std::size_t kMaxPrefixBytes = 24;  // what the literal table compares without a loop
constexpr std::size_t kLengthLimit = std::size_t{1}
                                     << 20;  // lengths saturate here, far from overflow
constexpr std::size_t kMaxClassSpread = 16;  // wider classes would multiply the prefixes for little

struct Prefixes {
  std::vector<std::string> strings;
  bool exact = true;  // the strings are the whole matches, so more can be appended
};

Prefixes PrefixesOf(const RegexNode& node, std::size_t limit);

Prefixes Unknown() {
  return {{""}, false};
}

Prefixes ClassPrefixes(const ByteSet& bytes) {
  Prefixes result;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const bool upper = byte >= 'A' && byte <= 'Z';
    const bool has_lower = upper && bytes[byte | 0x20];
    if (!bytes[byte] || has_lower) continue;
    result.strings.emplace_back(1, static_cast<char>(upper ? byte | 0x20 : byte));
  }
  return result.strings.size() <= kMaxClassSpread ? result : Unknown();
}

// Appends `next` to every string of `result`; false (and `result` unchanged but no longer exact)
// when there would be too many.
bool AppendAll(Prefixes& result, const Prefixes& next, std::size_t limit) {
  if (result.strings.size() * next.strings.size() > limit) {
    result.exact = false;
    return false;
  }
  std::vector<std::string> product;
  bool cut = false;
  for (const std::string& head : result.strings) {
    for (const std::string& tail : next.strings) {
      product.push_back(head + tail);
      if (product.back().size() > kMaxPrefixBytes) {
        product.back().resize(kMaxPrefixBytes);
        cut = true;
      }
    }
  }
  result.strings = std::move(product);
  result.exact = next.exact && !cut;
  return result.exact;
}

Prefixes RepeatPrefixes(const RegexNode& node, std::size_t limit) {
  if (node.min == 0) return Unknown();
  const Prefixes once = PrefixesOf(node.children.front(), limit);
  Prefixes result{{""}, true};
  for (int i = 0; i < node.min; ++i) {
    if (!AppendAll(result, once, limit)) return result;
  }
  result.exact = node.max == node.min;
  return result;
}

Prefixes AlternatePrefixes(const RegexNode& node, std::size_t limit) {
  Prefixes result;
  for (const RegexNode& child : node.children) {
    const Prefixes branch = PrefixesOf(child, limit);
    result.strings.insert(result.strings.end(), branch.strings.begin(), branch.strings.end());
    result.exact = result.exact && branch.exact;
    if (result.strings.size() > limit) return Unknown();
  }
  return result;
}

Prefixes PrefixesOf(const RegexNode& node, std::size_t limit) {
  switch (node.kind) {
    case Kind::kClass:
      return ClassPrefixes(node.bytes);
    case Kind::kAlternate:
      return AlternatePrefixes(node, limit);
    case Kind::kRepeat:
      return RepeatPrefixes(node, limit);
    case Kind::kConcat: {
      Prefixes result{{""}, true};
      for (const RegexNode& child : node.children) {
        if (!AppendAll(result, PrefixesOf(child, limit), limit)) break;
      }
      return result;
    }
    case Kind::kBoundary:
    case Kind::kNotBoundary:
      break;
  }
  return {{""}, true};
}

}  // namespace

std::size_t ShortestMatch(const RegexNode& node) {
  const bool alternate = node.kind == Kind::kAlternate;
  std::size_t total = node.kind == Kind::kClass ? 1 : alternate ? kLengthLimit : 0;
  for (const RegexNode& child : node.children) {
    const std::size_t length = ShortestMatch(child);
    total = alternate ? std::min(total, length) : total + length;
  }
  if (node.kind == Kind::kRepeat) total *= static_cast<std::size_t>(node.min);
  return std::min(total, kLengthLimit);
}

std::optional<std::size_t> LongestMatch(const RegexNode& node) {
  std::size_t total = node.kind == Kind::kClass ? 1 : 0;
  for (const RegexNode& child : node.children) {
    const auto length = LongestMatch(child);
    if (!length) return std::nullopt;
    total = node.kind == Kind::kAlternate ? std::max(total, *length) : total + *length;
  }
  if (node.kind == Kind::kRepeat) {
    if (node.max == kUnbounded) return std::nullopt;
    total *= static_cast<std::size_t>(node.max);
  }
  return std::min(total, kLengthLimit);
}

ByteSet FirstBytes(const RegexNode& node) {
  ByteSet set = node.bytes;
  for (const RegexNode& child : node.children) {
    set |= FirstBytes(child);
    if (node.kind == Kind::kConcat && ShortestMatch(child) > 0) break;
  }
  return set;
}

RegexNode Reversed(const RegexNode& node) {
  RegexNode result = node;
  std::ranges::transform(node.children, result.children.begin(), Reversed);
  if (node.kind == Kind::kConcat) std::ranges::reverse(result.children);
  return result;
}

std::vector<std::string> RequiredPrefixes(const RegexNode& node, std::size_t limit) {
  std::vector<std::string> strings = PrefixesOf(node, limit).strings;
  std::ranges::sort(strings);
  const auto repeated = std::ranges::unique(strings);
  strings.erase(repeated.begin(), repeated.end());
  return strings.size() <= limit ? strings : std::vector<std::string>{};
}

}  // namespace assay::text::patterns
