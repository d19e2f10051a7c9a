#include "assay/text/pattern_set.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "assay/core/parallel.h"

#include "patterns/compiler_internal.h"
#include "patterns/program_internal.h"

namespace assay::text {
namespace {

using patterns::Dfa;
using patterns::IsWordByte;
using patterns::RegexPositions;

constexpr std::size_t kMinPiecesPerThread = 512;  // about 20 us of work, as much as a start costs

// Where matches begin, last first: one pass from the end with the reversed expression.
std::vector<std::uint32_t> MatchBegins(const Dfa& backward, std::string_view text) {
  std::vector<std::uint32_t> begins;
  std::uint32_t state = backward.start[0];
  for (std::size_t i = text.size(); i-- > 0;) {
    state = backward.Step(state, static_cast<std::uint8_t>(text[i]));
    if (backward.Matched(state) != 0) begins.push_back(static_cast<std::uint32_t>(i + 1));
  }
  if (!text.empty() && backward.Matched(backward.End(state)) != 0) begins.push_back(0);
  return begins;
}

// End of the longest match that begins at `begin`; `begin` itself if none does.
std::uint32_t LongestEnd(const Dfa& forward, std::string_view text, std::uint32_t begin) {
  const bool after_word = begin > 0 && IsWordByte(static_cast<std::uint8_t>(text[begin - 1]));
  std::uint32_t state = forward.start[after_word ? 1 : 0];
  std::uint32_t end = begin;
  for (std::size_t i = begin; i < text.size(); ++i) {
    state = forward.Step(state, static_cast<std::uint8_t>(text[i]));
    if (forward.Matched(state) != 0) end = static_cast<std::uint32_t>(i);
    if (forward.Rests(state)) return end;
  }
  return forward.Matched(forward.End(state)) != 0 ? static_cast<std::uint32_t>(text.size()) : end;
}

void AppendMatches(const RegexPositions& regex, std::string_view text,
                   std::vector<PatternMatch>& out) {
  const std::vector<std::uint32_t> begins = MatchBegins(regex.backward, text);
  std::uint32_t free_from = 0;
  for (auto begin = begins.rbegin(); begin != begins.rend(); ++begin) {
    if (*begin < free_from) continue;
    const std::uint32_t end = LongestEnd(regex.forward, text, *begin);
    out.push_back({regex.id, {*begin, end}});
    free_from = end;
  }
}

}  // namespace

struct PatternSet::Program : patterns::ScanProgram {};

Result<PatternSet> PatternSet::Compile(std::span<const Pattern> patterns,
                                       const PatternSetOptions& options) {
  ASSAY_ASSIGN(patterns::ScanProgram program, patterns::CompileProgram(patterns, options));
  return PatternSet(std::make_unique<const Program>(Program{std::move(program)}));
}

PatternSet::PatternSet(std::unique_ptr<const Program> program) : program_(std::move(program)) {}
PatternSet::PatternSet(PatternSet&&) noexcept = default;
PatternSet& PatternSet::operator=(PatternSet&&) noexcept = default;
PatternSet::~PatternSet() = default;

std::size_t PatternSet::pattern_count() const {
  return program_->pattern_count;
}
std::size_t PatternSet::words_per_text() const {
  return program_->words_per_text;
}

void PatternSet::Match(std::string_view text, std::span<std::uint64_t> bits) const {
  const Span whole{0, static_cast<std::uint32_t>(text.size())};
  patterns::ScanPieces(*program_, text, {&whole, 1}, bits.data());
}

void PatternSet::MatchBatch(std::string_view buffer, std::span<const Span> pieces,
                            std::span<std::uint64_t> bits, std::size_t threads) const {
  const std::size_t words = words_per_text();
  const auto scan = [&](std::size_t first, std::size_t last) {
    const auto rows = bits.subspan(first * words, (last - first) * words);
    patterns::ScanPieces(*program_, buffer, pieces.subspan(first, last - first), rows.data());
  };
  const std::size_t parts = std::clamp<std::size_t>(pieces.size() / kMinPiecesPerThread, 1,
                                                    std::max<std::size_t>(threads, 1));
  // As many ranges as threads, so that no more than `threads` work at a time.
  const std::size_t range = std::max<std::size_t>(1, (pieces.size() + parts - 1) / parts);
  core::ParallelFor(pieces.size(), range, scan);
}

void PatternSet::FindAll(std::string_view text, std::vector<PatternMatch>& out) const {
  const std::size_t old_size = out.size();
  std::vector<std::uint64_t> bits(words_per_text(), 0);
  patterns::ScanPositions(*program_, text, bits.data(), out);
  for (const RegexPositions& regex : program_->positions) {
    if ((bits[regex.id / 64] >> (regex.id % 64) & 1) != 0) AppendMatches(regex, text, out);
  }
  std::sort(out.begin() + static_cast<std::ptrdiff_t>(old_size), out.end(),
            [](const PatternMatch& a, const PatternMatch& b) {
              return std::tie(a.span.begin, a.span.end, a.pattern) <
                     std::tie(b.span.begin, b.span.end, b.pattern);
            });
}

}  // namespace assay::text
