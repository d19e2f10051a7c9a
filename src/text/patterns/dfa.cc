// Thompson construction (Thompson, CACM 11(6), 1968), then the subset construction with one byte of
// look-ahead for \b, in the manner of RE2's dfa.cc: a state keeps the assertions it has not passed
// yet, and passes them when the next byte is known.
#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <tuple>
#include <utility>

#include "patterns/dfa_internal.h"

namespace assay::text::patterns {
namespace {

constexpr std::size_t kMaxNfaNodes = 20'000;  // bounds the work on nested counted repetitions

struct NfaNode {
  enum class Kind : std::uint8_t { kByte, kSplit, kBoundary, kNotBoundary, kMatch };
  Kind kind = Kind::kSplit;
  std::uint32_t out = 0;
  std::uint32_t other = 0;    // second way of a kSplit
  std::uint32_t payload = 0;  // index of the byte set of a kByte; expression of a kMatch
};

class Nfa {
 public:
  // Builds backwards: each part is given the node that follows it. False when it grows too large.
  bool Add(const RegexNode& expression, std::uint32_t id) {
    const std::uint32_t match = Push({NfaNode::Kind::kMatch, 0, 0, id});
    starts_.push_back(Build(expression, match));
    return nodes_.size() <= kMaxNfaNodes;
  }
  [[nodiscard]] const std::vector<NfaNode>& nodes() const { return nodes_; }
  [[nodiscard]] const std::vector<ByteSet>& sets() const { return sets_; }
  [[nodiscard]] const std::vector<std::uint32_t>& starts() const { return starts_; }

 private:
  std::uint32_t Push(const NfaNode& node) {
    nodes_.push_back(node);
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }

  std::uint32_t Build(const RegexNode& node, std::uint32_t follow) {
    if (nodes_.size() > kMaxNfaNodes) return follow;
    switch (node.kind) {
      case RegexNode::Kind::kClass:
        sets_.push_back(node.bytes);
        return Push(
            {NfaNode::Kind::kByte, follow, 0, static_cast<std::uint32_t>(sets_.size() - 1)});
      case RegexNode::Kind::kBoundary:
        return Push({NfaNode::Kind::kBoundary, follow, 0, 0});
      case RegexNode::Kind::kNotBoundary:
        return Push({NfaNode::Kind::kNotBoundary, follow, 0, 0});
      case RegexNode::Kind::kConcat:
        for (std::size_t i = node.children.size(); i-- > 0;) {
          follow = Build(node.children[i], follow);
        }
        return follow;
      case RegexNode::Kind::kAlternate: {
        std::uint32_t start = Build(node.children.front(), follow);
        for (std::size_t i = 1; i < node.children.size(); ++i) {
          const std::uint32_t branch = Build(node.children[i], follow);
          start = Push({NfaNode::Kind::kSplit, start, branch, 0});
        }
        return start;
      }
      case RegexNode::Kind::kRepeat:
        break;
    }
    return BuildRepeat(node, follow);
  }

  std::uint32_t BuildRepeat(const RegexNode& node, std::uint32_t follow) {
    const RegexNode& child = node.children.front();
    std::uint32_t start = follow;
    if (node.max == kUnbounded) {
      start = Push({NfaNode::Kind::kSplit, 0, follow, 0});
      const std::uint32_t body = Build(child, start);
      nodes_[start].out = body;
    }
    for (int i = node.min; i < node.max && nodes_.size() <= kMaxNfaNodes; ++i) {
      const std::uint32_t body = Build(child, start);
      start = Push({NfaNode::Kind::kSplit, body, follow, 0});
    }
    for (int i = 0; i < node.min && nodes_.size() <= kMaxNfaNodes; ++i) start = Build(child, start);
    return start;
  }

  std::vector<NfaNode> nodes_;
  std::vector<ByteSet> sets_;
  std::vector<std::uint32_t> starts_;
};

// Bytes that no set of the expressions, nor \b, nor the triggers tell apart, share a class.
struct ByteClasses {
  std::array<std::uint8_t, 256> class_of{};
  std::vector<std::uint8_t> sample;  // one byte of each class

  void Refine(const ByteSet& set) {
    std::map<std::pair<std::uint8_t, bool>, std::uint8_t> ids;
    std::array<std::uint8_t, 256> refined{};
    sample.clear();
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto next = static_cast<std::uint8_t>(ids.size());
      const auto [entry, fresh] = ids.try_emplace({class_of[byte], set[byte]}, next);
      if (fresh) sample.push_back(static_cast<std::uint8_t>(byte));
      refined[byte] = entry->second;
    }
    class_of = refined;
  }
};

using NodeList = std::vector<std::uint32_t>;

struct StateKey {
  NodeList nodes;             // sorted: bytes to read, assertions to pass, matches to report
  std::uint64_t matched = 0;  // reported by the step that led here
  bool after_word = false;    // was the last byte a word byte?
  // Would be at rest, but the last byte is a trigger: a scan that looks only for the first trigger
  // of a run of them must not stop here.
  bool in_trigger_run = false;

  auto operator<=>(const StateKey&) const = default;
};

class DfaBuilder {
 public:
  DfaBuilder(const Nfa& nfa, DfaMode mode, const ByteSet& triggers, std::size_t max_states)
      : nfa_(nfa), mode_(mode), triggers_(triggers), max_states_(max_states) {
    marks_.assign(nfa_.nodes().size(), 0);
  }

  std::optional<Dfa> Build() {
    MakeClasses();
    start_nodes_ = Closure(nfa_.starts());
    const NodeList rest = mode_ == DfaMode::kSearch ? start_nodes_ : NodeList{};
    Intern({rest, 0, false, false});
    Intern({rest, 0, true, false});
    dfa_.start[0] = Intern({start_nodes_, 0, false, false});
    dfa_.start[1] = Intern({start_nodes_, 0, true, false});
    const std::size_t classes = classes_.sample.size();
    for (std::size_t row = 0; row < keys_.size(); ++row) {
      if (keys_.size() > max_states_) return std::nullopt;
      dfa_.next.resize((row + 1) << dfa_.row_shift, 0);
      for (std::size_t c = 0; c <= classes; ++c) {
        const std::uint32_t target = Intern(Successor(*keys_[row], c));
        dfa_.next[(row << dfa_.row_shift) + c] = target;
      }
      std::memcpy(&dfa_.next[(row << dfa_.row_shift) + classes + 1], &keys_[row]->matched,
                  sizeof(keys_[row]->matched));
    }
    if (keys_.size() > max_states_) return std::nullopt;
    return std::move(dfa_);
  }

 private:
  void MakeClasses() {
    ByteSet words;
    for (std::size_t b = 0; b < 256; ++b) words[b] = IsWordByte(static_cast<std::uint8_t>(b));
    classes_.Refine(words);
    classes_.Refine(triggers_);
    for (const ByteSet& set : nfa_.sets()) classes_.Refine(set);
    dfa_.class_of = classes_.class_of;
    dfa_.end_class = static_cast<std::uint32_t>(classes_.sample.size());
    // One column for each class, one for the end, two for the report.
    dfa_.row_shift = static_cast<std::uint32_t>(std::bit_width(classes_.sample.size() + 2));
  }

  // Row offset of the state; rows are handed out in the order of their first appearance.
  std::uint32_t Intern(StateKey key) {
    const auto [entry, fresh] =
        ids_.try_emplace(std::move(key), static_cast<std::uint32_t>(keys_.size()));
    if (fresh) keys_.push_back(&entry->first);
    return entry->second << dfa_.row_shift;
  }

  // The nodes that are reached without reading; assertions and matches stay as they are.
  NodeList Closure(const NodeList& from) {
    NodeList reached;
    NodeList stack = from;
    ++mark_;
    while (!stack.empty()) {
      const std::uint32_t id = stack.back();
      stack.pop_back();
      if (std::exchange(marks_[id], mark_) == mark_) continue;
      const NfaNode& node = nfa_.nodes()[id];
      if (node.kind == NfaNode::Kind::kSplit) {
        stack.push_back(node.out);
        stack.push_back(node.other);
      } else {
        reached.push_back(id);
      }
    }
    std::ranges::sort(reached);
    return reached;
  }

  // `column` is a byte class, or the number of classes for the end of the text.
  StateKey Successor(const StateKey& key, std::size_t column) {
    const bool at_end = column == classes_.sample.size();
    const std::uint8_t byte = at_end ? 0 : classes_.sample[column];
    const bool is_word = !at_end && IsWordByte(byte);
    const bool at_boundary = key.after_word != is_word;
    StateKey result;
    result.after_word = is_word;
    NodeList moved;
    NodeList stack = key.nodes;
    ++mark_;
    while (!stack.empty()) {
      const std::uint32_t id = stack.back();
      stack.pop_back();
      if (std::exchange(marks_[id], mark_) == mark_) continue;
      const NfaNode& node = nfa_.nodes()[id];
      switch (node.kind) {
        case NfaNode::Kind::kByte:
          if (!at_end && nfa_.sets()[node.payload][byte]) moved.push_back(node.out);
          break;
        case NfaNode::Kind::kMatch:
          result.matched |= std::uint64_t{1} << node.payload;
          break;
        case NfaNode::Kind::kSplit:
          stack.push_back(node.out);
          stack.push_back(node.other);
          break;
        case NfaNode::Kind::kBoundary:
          if (at_boundary) stack.push_back(node.out);
          break;
        case NfaNode::Kind::kNotBoundary:
          if (!at_boundary) stack.push_back(node.out);
          break;
      }
    }
    if (mode_ == DfaMode::kSearch && !at_end) {
      moved.insert(moved.end(), nfa_.starts().begin(), nfa_.starts().end());
    }
    result.nodes = Closure(moved);
    result.in_trigger_run = mode_ == DfaMode::kSearch && !at_end && triggers_[byte] &&
                            result.matched == 0 && result.nodes == start_nodes_;
    return result;
  }

  const Nfa& nfa_;
  DfaMode mode_;
  const ByteSet& triggers_;
  std::size_t max_states_;
  ByteClasses classes_;
  Dfa dfa_;
  NodeList start_nodes_;
  std::map<StateKey, std::uint32_t> ids_;
  std::vector<const StateKey*> keys_;  // by row; map nodes do not move
  std::vector<std::uint32_t> marks_;
  std::uint32_t mark_ = 0;
};

}  // namespace

std::optional<Dfa> BuildDfa(std::span<const RegexNode* const> expressions, DfaMode mode,
                            const ByteSet& triggers, std::size_t max_states) {
  Nfa nfa;
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    if (!nfa.Add(*expressions[i], static_cast<std::uint32_t>(i))) return std::nullopt;
  }
  return DfaBuilder(nfa, mode, triggers, max_states).Build();
}

}  // namespace assay::text::patterns
