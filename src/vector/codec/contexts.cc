#include "codec/contexts.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "codec/block_format.h"

namespace assay::vector::internal {
namespace {

constexpr unsigned kClassBits = 8;         // the top of a symbol tells enough to group by
constexpr std::size_t kLeastRows = 24;     // fewer say too little about a dimension
constexpr std::size_t kSampledRows = 512;  // more change nothing
constexpr int kRounds = 5;

struct Histograms {
  std::size_t classes = 0;
  std::vector<float> counts;  // [dim * classes]
};

Histograms Count(std::span<const std::uint16_t> symbols, std::size_t dim, unsigned symbol_bits) {
  const unsigned shift = symbol_bits > kClassBits ? symbol_bits - kClassBits : 0;
  const std::size_t rows = symbols.size() / dim;
  const std::size_t step = std::max<std::size_t>(1, rows / kSampledRows);
  // Classes that occur, in a row without gaps.
  std::vector<std::uint16_t> index(std::size_t{1} << (symbol_bits - shift), UINT16_MAX);
  Histograms histograms;
  for (std::size_t r = 0; r < rows; r += step) {
    for (std::size_t i = 0; i < dim; ++i) {
      std::uint16_t& at = index[std::size_t{symbols[r * dim + i]} >> shift];
      if (at == UINT16_MAX) at = static_cast<std::uint16_t>(histograms.classes++);
    }
  }
  histograms.counts.assign(dim * histograms.classes, 0);
  for (std::size_t r = 0; r < rows; r += step) {
    for (std::size_t i = 0; i < dim; ++i) {
      ++histograms
            .counts[i * histograms.classes + index[std::size_t{symbols[r * dim + i]} >> shift]];
    }
  }
  return histograms;
}

using Costs = std::array<std::vector<float>, kMaxContexts>;  // bits of each class in each group

Costs CostsOf(const Histograms& histograms, std::span<const std::uint8_t> groups) {
  const std::size_t classes = histograms.classes;
  Costs costs;
  for (std::size_t g = 0; g < kMaxContexts; ++g) {
    std::vector<float> sums(classes, 0.02F);  // an unseen class is rare, not impossible
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (groups[i] != g) continue;
      for (std::size_t c = 0; c < classes; ++c) sums[c] += histograms.counts[i * classes + c];
    }
    float total = 0;
    for (const float sum : sums) total += sum;
    for (float& sum : sums) sum = -std::log2(sum / total);
    costs[g] = std::move(sums);
  }
  return costs;
}

float CostOf(std::span<const float> counts, std::span<const float> costs) {
  float bits = 0;
  for (std::size_t c = 0; c < counts.size(); ++c) bits += counts[c] * costs[c];
  return bits;
}

// Four groups to begin with: the dimensions in order of what the common code costs them, which
// tells wide ones from narrow ones.
std::vector<std::uint8_t> FirstGroups(const Histograms& histograms, std::size_t dim) {
  const Costs common = CostsOf(histograms, std::vector<std::uint8_t>(dim, 0));
  std::vector<std::pair<float, std::size_t>> order(dim);
  for (std::size_t i = 0; i < dim; ++i) {
    const auto counts =
        std::span(histograms.counts).subspan(i * histograms.classes, histograms.classes);
    order[i] = {CostOf(counts, common[0]), i};
  }
  std::ranges::sort(order);
  std::vector<std::uint8_t> groups(dim);
  for (std::size_t place = 0; place < dim; ++place) {
    groups[order[place].second] = static_cast<std::uint8_t>(place * kMaxContexts / dim);
  }
  return groups;
}

void Renumber(std::vector<std::uint8_t>& groups) {
  std::array<int, kMaxContexts> number;
  number.fill(-1);
  int next = 0;
  for (std::uint8_t& group : groups) {
    if (number[group] < 0) number[group] = next++;
    group = static_cast<std::uint8_t>(number[group]);
  }
}

}  // namespace

std::vector<std::uint8_t> GroupDimensions(std::span<const std::uint16_t> symbols, std::size_t dim,
                                          unsigned symbol_bits) {
  if (symbols.size() / dim < kLeastRows || dim < kMaxContexts) {
    return std::vector<std::uint8_t>(dim, 0);
  }
  const Histograms histograms = Count(symbols, dim, symbol_bits);
  std::vector<std::uint8_t> groups = FirstGroups(histograms, dim);
  for (int round = 0; round < kRounds; ++round) {
    const Costs costs = CostsOf(histograms, groups);
    for (std::size_t i = 0; i < dim; ++i) {
      const auto counts =
          std::span(histograms.counts).subspan(i * histograms.classes, histograms.classes);
      std::array<float, kMaxContexts> bits;
      for (std::size_t g = 0; g < kMaxContexts; ++g) bits[g] = CostOf(counts, costs[g]);
      groups[i] = static_cast<std::uint8_t>(std::ranges::min_element(bits) - bits.begin());
    }
  }
  Renumber(groups);
  return groups;
}

}  // namespace assay::vector::internal
