// L-SHADE (Tanabe and Fukunaga 2014): differential evolution whose step F and crossover rate CR
// follow what succeeded, and whose population shrinks. Choices take the better one's value or a
// fresh one.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "engines/search_internal.h"

namespace assay::tuner::internal {
namespace {

constexpr std::size_t kMemory = 6;
constexpr std::size_t kFewest = 4;
constexpr double kBestPart = 0.11;
constexpr double kArchive = 2.6;  // times the population

struct Trial {
  double f = 0.5;
  double cr = 0.5;
  double gain = 0;
};

class Population {
 public:
  explicit Population(Search& search)
      : search_(search),
        first_size_(std::clamp<std::size_t>(10 * search.dim(), 20,
                                            std::max<std::uint64_t>(20, search.budget() / 20))) {
    f_.fill(0.5);
    cr_.fill(0.5);
    while (points_.size() < first_size_ && !search.done()) points_.push_back(search.DrawPoint());
  }

  void Run() {
    while (!search_.done()) Generation();
  }

 private:
  void Generation() {
    std::ranges::stable_sort(
        points_, [](const Point& a, const Point& b) { return a.score.BetterThan(b.score); });
    std::vector<Point> next = points_;
    std::vector<Trial> successes;
    for (std::size_t i = 0; i < points_.size() && !search_.done(); ++i) {
      Trial trial = DrawTrial();
      Point child{Mutate(i, trial), {}};
      child.score = search_.Evaluate(child.x);
      if (points_[i].score.BetterThan(child.score)) continue;
      if (child.score.BetterThan(points_[i].score)) {
        const double gain = points_[i].score.violation != child.score.violation
                                ? points_[i].score.violation - child.score.violation
                                : points_[i].score.value - child.score.value;
        trial.gain = std::isfinite(gain) ? gain : 1;
        successes.push_back(trial);
        Archive(points_[i].x);
      }
      next[i] = std::move(child);
    }
    points_ = std::move(next);
    Learn(successes);
    Shrink();
  }

  Trial DrawTrial() {
    const std::size_t slot = search_.Below(kMemory);
    Trial out;
    out.cr = cr_[slot] < 0 ? 0 : std::clamp(cr_[slot] + 0.1 * search_.Normal(), 0.0, 1.0);
    do {  // Cauchy, cut off at 1, drawn again below 0
      out.f = f_[slot] + 0.1 * std::tan(3.14159265358979324 * (search_.Unit() - 0.5));
    } while (out.f <= 0);
    out.f = std::min(out.f, 1.0);
    return out;
  }

  // current-to-pbest/1/bin, the last of the three points also from the archive of what was
  // replaced.
  std::vector<double> Mutate(std::size_t i, const Trial& trial) {
    const std::size_t n = points_.size();
    const auto best_part = static_cast<std::size_t>(kBestPart * static_cast<double>(n));
    const std::vector<double>& best = points_[search_.Below(std::max<std::size_t>(best_part, 2))].x;
    std::size_t r1 = i;
    while (r1 == i) r1 = search_.Below(n);
    std::size_t r2 = i;
    while (r2 == i || r2 == r1) r2 = search_.Below(n + archive_.size());
    const std::vector<double>& other = r2 < n ? points_[r2].x : archive_[r2 - n];
    const std::size_t always = search_.Below(search_.dim());
    std::vector<double> x = points_[i].x;
    for (std::size_t k = 0; k < x.size(); ++k) {
      if (k != always && search_.Unit() >= trial.cr) continue;
      const Variable& v = search_.variable(k);
      if (v.kind == VariableKind::kChoice) {
        const double u = search_.Unit();
        x[k] = u < trial.f ? best[k] : (u < 0.95 ? points_[r1].x[k] : search_.Draw(k));
        continue;
      }
      const double from = x[k];
      x[k] += trial.f * (best[k] - from) + trial.f * (points_[r1].x[k] - other[k]);
      if (x[k] < v.low) x[k] = 0.5 * (v.low + from);
      if (x[k] > v.high) x[k] = 0.5 * (v.high + from);
    }
    return x;
  }

  void Archive(const std::vector<double>& x) {
    const auto most = static_cast<std::size_t>(kArchive * static_cast<double>(points_.size()));
    if (archive_.size() < most) {
      archive_.push_back(x);
    } else {
      archive_[search_.Below(archive_.size())] = x;
    }
  }

  // Weighted Lehmer means of what succeeded replace the oldest entry of the memory.
  void Learn(const std::vector<Trial>& successes) {
    if (successes.empty()) return;
    double all = 0;
    for (const Trial& one : successes) all += one.gain;
    double f = 0, f2 = 0, cr = 0, cr2 = 0;
    for (const Trial& one : successes) {
      const double weight = all > 0 ? one.gain / all : 1.0 / static_cast<double>(successes.size());
      f += weight * one.f;
      f2 += weight * one.f * one.f;
      cr += weight * one.cr;
      cr2 += weight * one.cr * one.cr;
    }
    f_[oldest_] = f > 0 ? f2 / f : 0.5;
    cr_[oldest_] = cr_[oldest_] < 0 || cr == 0 ? -1 : cr2 / cr;
    oldest_ = (oldest_ + 1) % kMemory;
  }

  void Shrink() {
    const double part = static_cast<double>(search_.used()) / static_cast<double>(search_.budget());
    const double wanted = static_cast<double>(first_size_) +
                          (static_cast<double>(kFewest) - static_cast<double>(first_size_)) * part;
    const auto size = std::max(kFewest, static_cast<std::size_t>(std::lround(wanted)));
    if (points_.size() <= size) return;
    std::ranges::stable_sort(
        points_, [](const Point& a, const Point& b) { return a.score.BetterThan(b.score); });
    points_.resize(size);
    const auto most = static_cast<std::size_t>(kArchive * static_cast<double>(size));
    while (archive_.size() > most) {
      std::swap(archive_[search_.Below(archive_.size())], archive_.back());
      archive_.pop_back();
    }
  }

  Search& search_;
  std::size_t first_size_;
  std::vector<Point> points_;
  std::vector<std::vector<double>> archive_;
  std::array<double, kMemory> f_{};
  std::array<double, kMemory> cr_{};
  std::size_t oldest_ = 0;
};

}  // namespace

void Differentiate(Search& search) {
  Population(search).Run();
}

}  // namespace assay::tuner::internal
