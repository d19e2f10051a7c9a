#include "assay/consensus/cluster.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

namespace assay::consensus {
namespace {

constexpr std::uint32_t kNone = 0xFFFFFFFF;
// Differences of distances below this are rounding: which pair comes first must not hang on them.
constexpr double kTie = 1e-12;

struct Merge {
  std::uint32_t a = 0;  // the lower number stays
  std::uint32_t b = 0;
  double distance = 0;
};

class Dendrogram {
 public:
  Dendrogram(std::span<const double> agreement, std::size_t n, Linkage linkage)
      : n_(n), linkage_(linkage), distance_(agreement.size()), size_(n, 1), alive_(n, true) {
    std::ranges::transform(agreement, distance_.begin(), [](double value) { return 1.0 - value; });
  }

  // All n - 1 merges, in rising order of distance.
  std::vector<Merge> Build() {
    std::vector<Merge> merges;
    std::vector<std::uint32_t> chain;
    while (merges.size() + 1 < n_) {
      if (chain.empty()) chain.push_back(FirstAlive());
      while (true) {
        const std::uint32_t top = chain.back();
        const std::uint32_t before = chain.size() > 1 ? chain[chain.size() - 2] : kNone;
        const std::uint32_t nearest = NearestOf(top, before);
        if (nearest == before) {
          chain.resize(chain.size() - 2);
          merges.push_back(Join(top, nearest));
          break;
        }
        chain.push_back(nearest);
      }
    }
    std::ranges::stable_sort(merges, {}, &Merge::distance);
    return merges;
  }

 private:
  double& At(std::uint32_t i, std::uint32_t j) { return distance_[i * n_ + j]; }

  [[nodiscard]] std::uint32_t FirstAlive() const {
    return static_cast<std::uint32_t>(std::ranges::find(alive_, true) - alive_.begin());
  }

  // The chain goes back rather than on between equals, so it ends.
  std::uint32_t NearestOf(std::uint32_t i, std::uint32_t before) {
    std::uint32_t best = before;
    double least = before == kNone ? std::numeric_limits<double>::infinity() : At(i, before);
    for (std::uint32_t j = 0; j < n_; ++j) {
      if (j == i || !alive_[j] || At(i, j) >= least - kTie) continue;
      least = At(i, j);
      best = j;
    }
    return best;
  }

  Merge Join(std::uint32_t i, std::uint32_t j) {
    const std::uint32_t a = std::min(i, j);
    const std::uint32_t b = std::max(i, j);
    const Merge merge{a, b, At(a, b)};
    for (std::uint32_t k = 0; k < n_; ++k) {
      if (k == a || k == b || !alive_[k]) continue;
      At(a, k) = At(k, a) = Updated(At(a, k), At(b, k), size_[a], size_[b]);
    }
    size_[a] += size_[b];
    alive_[b] = false;
    return merge;
  }

  // Lance and Williams 1967.
  [[nodiscard]] double Updated(double to_a, double to_b, double size_a, double size_b) const {
    switch (linkage_) {
      case Linkage::kSingle:
        return std::min(to_a, to_b);
      case Linkage::kComplete:
        return std::max(to_a, to_b);
      case Linkage::kAverage:
        break;
    }
    return (size_a * to_a + size_b * to_b) / (size_a + size_b);
  }

  std::size_t n_;
  Linkage linkage_;
  std::vector<double> distance_;
  std::vector<double> size_;
  std::vector<char> alive_;
};

Result<std::size_t> SideOf(std::span<const double> agreement) {
  const auto n =
      static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(agreement.size()))));
  if (n * n != agreement.size()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("an agreement matrix of {} values is no square", agreement.size()));
  }
  if (n > kMaxClusterItems) {
    return Fail(Code::kOutOfRange,
                fmt::format("{} items to cluster, at most {}", n, kMaxClusterItems));
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const double value = agreement[i * n + j];
      if (!(value >= 0 && value <= 1) || value != agreement[j * n + i]) {
        return Fail(Code::kInvalidArgument,
                    fmt::format("agreement of {} and {}: {} is not in [0, 1] or not symmetric", i,
                                j, value));
      }
    }
  }
  return n;
}

// Follows links to the number that stands for the group.
std::uint32_t RootOf(std::vector<std::uint32_t>& root, std::uint32_t i) {
  while (root[i] != i) i = root[i] = root[root[i]];
  return i;
}

double CohesionOf(const std::vector<std::uint32_t>& members, std::span<const double> agreement,
                  std::size_t n) {
  if (members.size() < 2) return 1;
  double sum = 0;
  for (std::size_t x = 0; x < members.size(); ++x) {
    for (std::size_t y = x + 1; y < members.size(); ++y)
      sum += agreement[members[x] * n + members[y]];
  }
  const auto m = static_cast<double>(members.size());
  return sum / (m * (m - 1) / 2);
}

}  // namespace

Result<std::vector<Cluster>> ClusterByAgreement(std::span<const double> agreement, Linkage linkage,
                                                double threshold) {
  ASSAY_ASSIGN(const std::size_t n, SideOf(agreement));
  std::vector<Cluster> out;
  if (n == 0) return out;
  const std::vector<Merge> merges = Dendrogram(agreement, n, linkage).Build();
  std::vector<std::uint32_t> root(n);
  std::iota(root.begin(), root.end(), 0U);
  std::vector<double> formed(n, 0);  // distance at which the group of a root was formed
  std::size_t next = 0;
  for (; next < merges.size() && merges[next].distance <= 1 - threshold + kTie; ++next) {
    const std::uint32_t x = RootOf(root, merges[next].a);
    const std::uint32_t y = RootOf(root, merges[next].b);
    const std::uint32_t a = std::min(x, y);
    root[std::max(x, y)] = a;
    formed[a] = merges[next].distance;
  }
  std::vector<double> merged(n, -1);  // distance at which it would be merged; -1: never
  for (std::size_t later = merges.size(); later-- > next;) {
    // A group's first merge is the one that counts: go backwards and overwrite.
    merged[RootOf(root, merges[later].a)] = merges[later].distance;
    merged[RootOf(root, merges[later].b)] = merges[later].distance;
  }
  std::vector<std::uint32_t> place(n, kNone);
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint32_t r = RootOf(root, i);
    if (place[r] == kNone) {
      place[r] = static_cast<std::uint32_t>(out.size());
      out.emplace_back().stability = merged[r] <= 0 ? 1.0 : 1.0 - formed[r] / merged[r];
    }
    out[place[r]].members.push_back(i);
  }
  for (Cluster& cluster : out) cluster.cohesion = CohesionOf(cluster.members, agreement, n);
  std::ranges::stable_sort(
      out, [](const Cluster& a, const Cluster& b) { return a.members.size() > b.members.size(); });
  return out;
}

}  // namespace assay::consensus
