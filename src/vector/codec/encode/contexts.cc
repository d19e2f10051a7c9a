#include "codec/encode/contexts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "codec/block_format.h"
#include "codec/encode/encode_kernels.h"

namespace assay::vector::internal {
namespace {

constexpr unsigned kClassBits = 8;               // the top of a symbol tells enough to group by
constexpr std::size_t kLeastRows = 24;           // fewer say too little about a dimension
constexpr std::size_t kMostRows = 512;           // more change nothing,
constexpr std::size_t kSampledValues = 200'000;  // or next to nothing where a row has many
constexpr int kRounds = 5;

struct Histograms {
  std::size_t classes = 0;    // a multiple of kDotStep
  std::vector<float> counts;  // [dim * classes]

  [[nodiscard]] const float* Of(std::size_t i) const { return counts.data() + i * classes; }
};

Histograms Count(std::span<const std::uint16_t> symbols, std::size_t dim, unsigned symbol_bits) {
  const unsigned shift = symbol_bits > kClassBits ? symbol_bits - kClassBits : 0;
  const std::size_t rows = symbols.size() / dim;
  const std::size_t sampled =
      std::min({rows, kMostRows, std::max(kLeastRows, kSampledValues / dim)});
  std::array<bool, std::size_t{1} << kClassBits> occurs{};
  for (std::size_t s = 0; s < sampled; ++s) {
    for (const std::uint16_t symbol : symbols.subspan(s * rows / sampled * dim, dim)) {
      occurs[static_cast<std::size_t>(symbol >> shift)] = true;
    }
  }
  // Classes that occur, in a row without gaps.
  std::array<std::uint32_t, std::size_t{1} << kClassBits> index{};
  Histograms histograms;
  for (std::size_t c = 0; c < occurs.size(); ++c) {
    if (occurs[c]) index[c] = static_cast<std::uint32_t>(histograms.classes++);
  }
  histograms.classes = (histograms.classes + kDotStep - 1) / kDotStep * kDotStep;
  histograms.counts.assign(dim * histograms.classes, 0);
  for (std::size_t s = 0; s < sampled; ++s) {
    const std::span<const std::uint16_t> row = symbols.subspan(s * rows / sampled * dim, dim);
    float* counts = histograms.counts.data();
    for (std::size_t i = 0; i < dim; ++i, counts += histograms.classes) {
      ++counts[index[static_cast<std::size_t>(row[i] >> shift)]];
    }
  }
  return histograms;
}

using OfGroups = std::array<float, kMaxContexts>;
using Costs = std::vector<float>;  // [kMaxContexts * classes] bits of a class in a group

Costs CostsOf(const Histograms& histograms, std::span<const std::uint8_t> groups) {
  const std::size_t classes = histograms.classes;
  // By group; an unseen class is rare, not impossible.
  std::vector<float> sums(kMaxContexts * classes, 0.02F);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const float* counts = histograms.Of(i);
    float* of_group = sums.data() + groups[i] * classes;
    for (std::size_t c = 0; c < classes; ++c) of_group[c] += counts[c];
  }
  Costs costs(sums.size());
  for (std::size_t g = 0; g < kMaxContexts; ++g) {
    const std::span<const float> of_group = std::span(sums).subspan(g * classes, classes);
    float total = 0;
    for (const float sum : of_group) total += sum;
    for (std::size_t c = 0; c < classes; ++c) {
      costs[g * classes + c] = -std::log2(of_group[c] / total);
    }
  }
  return costs;
}

OfGroups CostOf(const Histograms& histograms, std::size_t i, const Costs& costs) {
  OfGroups bits{};
  DotWithEach(histograms.Of(i), costs.data(), histograms.classes, kMaxContexts, bits.data());
  return bits;
}

// Four groups to begin with: the dimensions in order of what the common code costs them, which
// tells wide ones from narrow ones.
std::vector<std::uint8_t> FirstGroups(const Histograms& histograms, std::size_t dim) {
  const Costs common = CostsOf(histograms, std::vector<std::uint8_t>(dim, 0));
  std::vector<std::pair<float, std::size_t>> order(dim);
  for (std::size_t i = 0; i < dim; ++i) {
    order[i] = {CostOf(histograms, i, common)[0], i};
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
    bool moved = false;
    for (std::size_t i = 0; i < dim; ++i) {
      const OfGroups bits = CostOf(histograms, i, costs);
      const auto least = static_cast<std::uint8_t>(std::ranges::min_element(bits) - bits.begin());
      moved = moved || groups[i] != least;
      groups[i] = least;
    }
    if (!moved) break;
  }
  Renumber(groups);
  return groups;
}

}  // namespace assay::vector::internal
