#include "assay/consensus/cluster.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"

namespace assay::consensus {
namespace {

// Agglomeration by looking at all pairs of groups each time: O(n^3) and more.
std::vector<std::vector<std::uint32_t>> NaiveClusters(const std::vector<double>& agreement,
                                                      std::size_t n, Linkage linkage,
                                                      double threshold) {
  std::vector<std::vector<std::uint32_t>> groups(n);
  for (std::uint32_t i = 0; i < n; ++i) groups[i] = {i};
  const auto between = [&](const auto& a, const auto& b) {
    double low = 2, high = -1, sum = 0;
    for (const std::uint32_t i : a) {
      for (const std::uint32_t j : b) {
        low = std::min(low, agreement[i * n + j]);
        high = std::max(high, agreement[i * n + j]);
        sum += agreement[i * n + j];
      }
    }
    if (linkage == Linkage::kSingle) return high;
    if (linkage == Linkage::kComplete) return low;
    return sum / static_cast<double>(a.size() * b.size());
  };
  while (groups.size() > 1) {
    std::size_t x = 0, y = 1;
    double best = -1;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      for (std::size_t j = i + 1; j < groups.size(); ++j) {
        if (const double value = between(groups[i], groups[j]); value > best) {
          best = value;
          x = i;
          y = j;
        }
      }
    }
    if (best < threshold) break;
    groups[x].insert(groups[x].end(), groups[y].begin(), groups[y].end());
    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(y));
  }
  for (auto& group : groups) std::ranges::sort(group);
  std::ranges::sort(groups);
  return groups;
}

std::vector<double> RandomAgreement(core::SeededRng& rng, std::size_t n) {
  std::vector<double> out(n * n, 1.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) out[i * n + j] = out[j * n + i] = rng.NextUnit();
  }
  return out;
}

TEST(ClusterTest, EqualsLookingAtAllPairsOfGroups) {
  core::SeededRng rng(11);
  for (const Linkage linkage : {Linkage::kSingle, Linkage::kComplete, Linkage::kAverage}) {
    for (std::size_t n = 1; n <= 24; ++n) {
      const std::vector<double> agreement = RandomAgreement(rng, n);
      for (const double threshold : {0.0, 0.3, 0.5, 0.8, 1.0}) {
        const auto clusters = ClusterByAgreement(agreement, linkage, threshold);
        ASSERT_TRUE(clusters) << clusters.error().message;
        std::vector<std::vector<std::uint32_t>> got;
        for (const Cluster& cluster : *clusters) got.push_back(cluster.members);
        std::ranges::sort(got);
        EXPECT_EQ(got, NaiveClusters(agreement, n, linkage, threshold)) << n << " " << threshold;
      }
    }
  }
}

TEST(ClusterTest, OrdersBySizeAndTellsCohesionAndStability) {
  // 0 and 2 and 3 agree by 0.9, 1 with all by 0.1.
  std::vector<double> agreement(16, 0.9);
  for (std::size_t i = 0; i < 4; ++i) {
    agreement[i * 4 + i] = 1;
    if (i != 1) agreement[i * 4 + 1] = agreement[4 + i] = 0.1;
  }
  const auto clusters = ClusterByAgreement(agreement, Linkage::kAverage, 0.5);
  ASSERT_TRUE(clusters);
  ASSERT_EQ(clusters->size(), 2U);
  EXPECT_EQ((*clusters)[0].members, (std::vector<std::uint32_t>{0, 2, 3}));
  EXPECT_NEAR((*clusters)[0].cohesion, 0.9, 1e-12);
  EXPECT_NEAR((*clusters)[0].stability, 1 - 0.1 / 0.9, 1e-12);
  EXPECT_EQ((*clusters)[1].cohesion, 1);
  EXPECT_EQ((*clusters)[1].stability, 1);
}

TEST(ClusterTest, RefusesWhatIsNoAgreementMatrix) {
  EXPECT_EQ(ClusterByAgreement(std::vector<double>(3, 1.0), Linkage::kSingle, 0.5).error().code,
            Code::kInvalidArgument);
  EXPECT_FALSE(ClusterByAgreement(std::vector<double>{1, 0.5, 0.4, 1}, Linkage::kSingle, 0.5));
  EXPECT_FALSE(ClusterByAgreement(std::vector<double>{1, 1.5, 1.5, 1}, Linkage::kSingle, 0.5));
  EXPECT_TRUE(ClusterByAgreement({}, Linkage::kSingle, 0.5)->empty());
}

}  // namespace
}  // namespace assay::consensus
