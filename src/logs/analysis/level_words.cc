// Levels of lines whose format has none.
#include <array>
#include <bit>

#include "assay/logs/analysis.h"

namespace assay::logs {
namespace {

struct LevelWord {
  std::string_view text;
  bool whole;
  LogLevel level;
};

// The worst first, so that the lowest bit that is set decides.
constexpr std::array<LevelWord, 12> kWords = {{{"fatal", true, LogLevel::kFatal},
                                               {"panic", true, LogLevel::kFatal},
                                               {"critical", true, LogLevel::kFatal},
                                               {"error", true, LogLevel::kError},
                                               {"failed", true, LogLevel::kError},
                                               {"failure", true, LogLevel::kError},
                                               {"severe", true, LogLevel::kError},
                                               {"exception", false, LogLevel::kError},
                                               {"error:", false, LogLevel::kError},
                                               {"warn", true, LogLevel::kWarn},
                                               {"warning", true, LogLevel::kWarn},
                                               {"deprecated", true, LogLevel::kWarn}}};

LogLevel LevelOfBits(std::uint64_t bits) {
  return bits == 0 ? LogLevel::kUnknown
                   : kWords[static_cast<std::size_t>(std::countr_zero(bits))].level;
}

}  // namespace

Result<LevelWords> LevelWords::Create() {
  std::vector<text::Pattern> patterns;
  for (const LevelWord& word : kWords) {
    patterns.push_back({.text = std::string(word.text), .whole_word = word.whole});
  }
  ASSAY_ASSIGN(text::PatternSet set, text::PatternSet::Compile(patterns));
  return LevelWords(std::move(set));
}

LogLevel LevelWords::Of(std::string_view text) const {
  std::uint64_t bits = 0;
  set_.Match(text, {&bits, 1});
  return LevelOfBits(bits);
}

void LevelWords::OfAll(std::string_view buffer, std::span<const text::Span> pieces,
                       std::vector<std::uint64_t>& bits, std::span<LogLevel> levels) const {
  bits.resize(pieces.size());
  set_.MatchBatch(buffer, pieces, bits);
  for (std::size_t i = 0; i < pieces.size(); ++i) levels[i] = LevelOfBits(bits[i]);
}

}  // namespace assay::logs
