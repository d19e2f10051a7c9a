#include <algorithm>
#include <array>

#include "assay/cache/semantic/semantic_cache.h"

namespace assay::cache {
namespace {

// Cosines of the static encoder between two answers, chosen to leave room for doubt between them.
constexpr float kSameFrom = 0.85F;
constexpr float kOtherBelow = 0.60F;

// Lower case, runs of anything but letters and digits as one space.
std::string Normalized(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool is_word =
        byte >= 0x80 || is_upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_word) {
      out += is_upper ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

bool ConflictsInFacts(const Agreement& agreement) {
  return std::ranges::any_of(agreement.differences, [](const Difference& difference) {
    const bool both = !difference.asked.empty() && !difference.cached.empty();
    return (difference.kind == DifferenceKind::kQuantity && both) ||
           (difference.kind == DifferenceKind::kName && both) ||
           (difference.kind == DifferenceKind::kOpposite && both) ||
           (difference.kind == DifferenceKind::kNegation && difference.decides);
  });
}

}  // namespace

Result<std::optional<bool>> SameAnswer(std::string_view a, std::string_view b,
                                       const embed::Encoder& fast) {
  if (a.empty() || b.empty()) return std::nullopt;
  if (Normalized(a) == Normalized(b)) return true;
  const std::array<std::string_view, 2> texts = {a, b};
  std::vector<float> vectors(2 * fast.dim());
  ASSAY_TRY(fast.Encode(texts, vectors));
  float cosine = 0;
  for (std::size_t i = 0; i < fast.dim(); ++i) cosine += vectors[i] * vectors[fast.dim() + i];
  if (cosine < kOtherBelow) return false;
  ASSAY_ASSIGN(const Agreement agreement, Compare(ReadQuestion(a), ReadQuestion(b), &fast));
  if (ConflictsInFacts(agreement)) return false;
  if (cosine >= kSameFrom) return true;
  return std::nullopt;
}

}  // namespace assay::cache
