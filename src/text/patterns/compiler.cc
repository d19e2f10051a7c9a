// Chooses for each expression how it is found, and builds the tables.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "patterns/compiler_internal.h"

namespace assay::text::patterns {
namespace {

// An expression whose first bytes are rarer than this in English is started by them; a more common
// one by its prefixes, where it has some.
constexpr double kRareFirstShare = 0.05;
constexpr std::size_t kMaxPrefixes = 64;
constexpr std::size_t kMinPrefixBytes = 3;      // shorter ones would be candidates too often
constexpr std::size_t kMaxPrefixedMatch = 512;  // bounds the bytes read again for each prefix

struct ParsedRegex {
  std::uint32_t id = 0;
  RegexNode tree;
};

// A tree that can match nothing: fills the ids of an automaton's reports that belong to others.
RegexNode Never() {
  RegexNode node;
  node.kind = RegexNode::Kind::kClass;
  return node;
}

class Compiler {
 public:
  explicit Compiler(const PatternSetOptions& options) : states_left_(options.max_dfa_states) {}

  Result<ScanProgram> Compile(std::span<const Pattern> patterns) {
    if (patterns.size() > kMaxPatterns) {
      return Fail(Code::kOutOfRange,
                  fmt::format("{} patterns are more than {}", patterns.size(), kMaxPatterns));
    }
    program_.pattern_count = patterns.size();
    program_.words_per_text = std::max<std::size_t>(1, (patterns.size() + 63) / 64);
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      ASSAY_TRY(AddPattern(patterns[i], static_cast<std::uint32_t>(i)));
    }
    for (const ParsedRegex& regex : triggered_) triggers_ |= FirstBytes(regex.tree);
    FillTriggers();
    for (std::size_t first = 0; first < triggered_.size();) {
      ASSAY_ASSIGN(first, AddTriggered(first));
    }
    program_.literals = BuildLiteralTable(std::move(literals_));
    return std::move(program_);
  }

 private:
  static std::unexpected<Error> Fault(Code code, std::uint32_t id, std::string_view what) {
    return Fail(code, fmt::format("pattern {}: {}", id, what));
  }

  static std::unexpected<Error> TooManyStates(std::uint32_t id) {
    return Fault(Code::kResourceExhausted, id,
                 "its automaton is too large; raise max_dfa_states or shorten its repetitions");
  }

  Result<void> AddPattern(const Pattern& pattern, std::uint32_t id) {
    if (pattern.text.empty()) return Fault(Code::kInvalidArgument, id, "at byte 0: it is empty");
    if (pattern.text.size() > kMaxPatternBytes) {
      return Fault(Code::kInvalidArgument, id,
                   fmt::format("at byte {}: it is longer than {} bytes", kMaxPatternBytes,
                               kMaxPatternBytes));
    }
    if (pattern.kind == PatternKind::kLiteral) {
      literals_.push_back({pattern.text, id, pattern.ignore_case, pattern.whole_word, false});
      return {};
    }
    auto tree = ParseRegex(pattern.text, pattern.ignore_case);
    if (!tree) return Fault(tree.error().code, id, tree.error().message);
    return AddRegex({id, *std::move(tree)});
  }

  Result<void> AddRegex(ParsedRegex regex) {
    if (ShortestMatch(regex.tree) == 0) {
      return Fault(Code::kInvalidArgument, regex.id, "at byte 0: it matches the empty text");
    }
    const RegexNode reversed = Reversed(regex.tree);
    auto backward = BuildOne(reversed, DfaMode::kSearch);
    auto forward = BuildOne(regex.tree, DfaMode::kAnchored);
    if (!backward || !forward) return TooManyStates(regex.id);
    program_.positions.push_back({regex.id, *std::move(backward), *forward});
    const std::vector<std::string> prefixes = UsefulPrefixes(regex.tree);
    for (const std::string& prefix : prefixes) {
      literals_.push_back(
          {prefix, static_cast<std::uint32_t>(program_.prefixed.size()), true, false, true});
    }
    if (prefixes.empty()) {
      triggered_.push_back(std::move(regex));
    } else {
      program_.prefixed.push_back({regex.id, *std::move(forward)});
    }
    return {};
  }

  static std::vector<std::string> UsefulPrefixes(const RegexNode& tree) {
    const ByteSet first = FirstBytes(tree);
    double share = 0;
    for (std::size_t byte = 0; byte < 256; ++byte) {
      if (first[byte]) share += ByteShare(static_cast<std::uint8_t>(byte));
    }
    const auto longest = LongestMatch(tree);
    if (share < kRareFirstShare || !longest || *longest > kMaxPrefixedMatch) return {};
    std::vector<std::string> prefixes = RequiredPrefixes(tree, kMaxPrefixes);
    const bool useful = std::ranges::all_of(
        prefixes, [](const std::string& prefix) { return prefix.size() >= kMinPrefixBytes; });
    return useful ? prefixes : std::vector<std::string>{};
  }

  std::optional<Dfa> BuildOne(const RegexNode& tree, DfaMode mode) {
    const RegexNode* const expression = &tree;
    return Charge(BuildDfa({&expression, 1}, mode, FirstBytes(tree), states_left_));
  }

  std::optional<Dfa> Charge(std::optional<Dfa> dfa) {
    if (dfa) states_left_ -= dfa->state_count();
    return dfa;
  }

  void FillTriggers() {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      if (!triggers_[byte]) continue;
      std::uint8_t& cell = program_.triggers.low[byte >> 7][byte & 15];
      cell = static_cast<std::uint8_t>(cell | 1U << (byte >> 4 & 7));
      program_.triggers.any = true;
      program_.triggers.any_high |= byte >= 0x80;
    }
  }

  // Builds one automaton for as many of the expressions from `first` on as the budget lets it hold;
  // returns the index of the first one left out.
  Result<std::size_t> AddTriggered(std::size_t first) {
    const std::uint32_t base_id = triggered_[first].id;
    if (program_.triggered.size() == kMaxTriggeredDfas) return TooManyStates(base_id);
    std::size_t end = first;
    while (end < triggered_.size() && triggered_[end].id - base_id < 64) ++end;
    const RegexNode never = Never();
    for (; end > first; end = first + (end - first) / 2) {
      std::vector<const RegexNode*> expressions;
      for (std::size_t i = first; i < end; ++i) {
        expressions.resize(triggered_[i].id - base_id, &never);
        expressions.push_back(&triggered_[i].tree);
      }
      if (auto dfa = Charge(BuildDfa(expressions, DfaMode::kSearch, triggers_, states_left_))) {
        program_.triggered.push_back({*std::move(dfa), base_id});
        return end;
      }
    }
    return TooManyStates(base_id);
  }

  std::size_t states_left_;
  std::vector<Literal> literals_;
  std::vector<ParsedRegex> triggered_;
  ByteSet triggers_;
  ScanProgram program_;
};

}  // namespace

Result<ScanProgram> CompileProgram(std::span<const Pattern> patterns,
                                   const PatternSetOptions& options) {
  return Compiler(options).Compile(patterns);
}

}  // namespace assay::text::patterns
