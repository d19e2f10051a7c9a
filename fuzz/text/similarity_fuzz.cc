// Similarities of any bytes: single pairs and matrices agree, are symmetric where they must be, and
// stay in [0, 1].
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "assay/text/similarity/edit.h"
#include "assay/text/similarity/word_bags.h"

namespace {

constexpr std::size_t kMaxBytes = 4096;  // the work is quadratic
constexpr std::size_t kMaxTexts = 12;    // more than a vector has lanes

void Require(bool condition) {
  if (!condition) std::abort();
}

void RequireShares(const std::vector<double>& matrix, std::size_t n) {
  Require(matrix.size() == n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      Require(matrix[i * n + j] >= 0 && matrix[i * n + j] <= 1);
      Require(matrix[i * n + j] == matrix[j * n + i]);
    }
  }
}

}  // namespace

// The texts stand between zero bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::text;
  std::string_view rest(reinterpret_cast<const char*>(data), std::min(size, kMaxBytes));
  std::vector<std::string_view> texts;
  while (texts.size() < kMaxTexts) {
    const std::size_t end = rest.find('\0');
    texts.push_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  const std::size_t n = texts.size();
  for (const EditMeasure measure :
       {EditMeasure::kLevenshtein, EditMeasure::kIndel, EditMeasure::kLcs, EditMeasure::kJaro,
        EditMeasure::kJaroWinkler}) {
    const std::vector<double> matrix = EditMatrix(texts, measure);
    RequireShares(matrix, n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = i + 1; j < n; ++j) {
        Require(matrix[i * n + j] == EditSimilarity(texts[i], texts[j], measure));
      }
    }
  }
  const WordBags bags(texts);
  RequireShares(bags.Jaccard(), n);
  RequireShares(bags.Jaccard(3), n);
  RequireShares(bags.Cosine(), n);
  return 0;
}
