#include <algorithm>
#include <cmath>

#include "engines/search_internal.h"

namespace assay::tuner::internal {
namespace {

constexpr double kCrossover = 0.9;
constexpr double kSpread =
    15;  // distribution index of crossover and mutation (Deb and Agrawal 1995)

class Population {
 public:
  explicit Population(Search& search)
      : search_(search),
        size_(std::clamp<std::size_t>(4 * search.dim(), 24,
                                      std::max<std::uint64_t>(24, search.budget() / 40))) {
    while (points_.size() < size_ && !search.done()) points_.push_back(search.DrawPoint());
  }

  void Run() {
    while (!search_.done()) {
      const std::size_t before = points_.size();
      while (points_.size() < before + size_ && !search_.done()) Breed(before);
      // The better half of parents and children stays.
      std::ranges::stable_sort(
          points_, [](const Point& a, const Point& b) { return a.score.BetterThan(b.score); });
      points_.resize(std::min(points_.size(), size_));
    }
  }

 private:
  std::size_t Tournament(std::size_t among) {
    const std::size_t a = search_.Below(among);
    const std::size_t b = search_.Below(among);
    return points_[b].score.BetterThan(points_[a].score) ? b : a;
  }

  void Breed(std::size_t parents) {
    const std::size_t mother = Tournament(parents);
    const std::size_t father = Tournament(parents);
    Point child{points_[mother].x, {}};
    if (search_.Unit() < kCrossover) {
      for (std::size_t i = 0; i < child.x.size(); ++i) {
        if (search_.Unit() < 0.5) Cross(i, points_[father].x[i], child.x[i]);
      }
    }
    // About one variable of a child changes by chance.
    const double rate = 1 / static_cast<double>(child.x.size());
    for (std::size_t i = 0; i < child.x.size(); ++i) {
      if (search_.Unit() < rate) Mutate(i, child.x[i]);
    }
    child.score = search_.Evaluate(child.x);
    points_.push_back(std::move(child));
  }

  void Cross(std::size_t i, double other, double& value) {
    const Variable& v = search_.variable(i);
    if (v.kind == VariableKind::kChoice) {
      value = other;
      return;
    }
    const double u = search_.Unit();
    const double beta = u < 0.5 ? std::pow(2 * u, 1 / (kSpread + 1))
                                : std::pow(1 / (2 * (1 - u)), 1 / (kSpread + 1));
    value = std::clamp(0.5 * ((1 + beta) * value + (1 - beta) * other), v.low, v.high);
  }

  void Mutate(std::size_t i, double& value) {
    const Variable& v = search_.variable(i);
    if (v.kind == VariableKind::kChoice || search_.Unit() < 0.1) {
      value = search_.Draw(i);
      return;
    }
    const double u = search_.Unit();
    const double move = u < 0.5 ? std::pow(2 * u, 1 / (kSpread + 1)) - 1
                                : 1 - std::pow(2 * (1 - u), 1 / (kSpread + 1));
    const double width = v.high - v.low;
    const double step = v.kind == VariableKind::kInteger
                            ? std::copysign(std::max(std::fabs(move * width), 1.0), move)
                            : move * width;
    value = std::clamp(value + step, v.low, v.high);
  }

  Search& search_;
  std::size_t size_;
  std::vector<Point> points_;
};

}  // namespace

void Evolve(Search& search) {
  Population(search).Run();
}

}  // namespace assay::tuner::internal
