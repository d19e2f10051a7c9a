#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "assay/core/parallel.h"

#include "calibrate_internal.h"

namespace assay::vector::internal {
namespace {

constexpr std::array<std::size_t, 11> kCandidates = {24,  32,  48,  64,  96, 128,
                                                     192, 256, 384, 512, 768};
constexpr std::array<std::size_t, 10> kReranks = {12, 16, 20, 24, 32, 48, 64, 96, 128, 192};
// Of the misses that the wanted recall allows, the shares that may be due to lists not looked into.
constexpr std::array<double, 5> kListShares = {0.2, 0.4, 0.6, 0.8, 0.9};
constexpr double kDoubtQuantile = 0.998;
constexpr std::uint32_t kFar = std::numeric_limits<std::uint32_t>::max();

// Estimates, in nanoseconds, of what each step of a search costs: only their ratios matter. Wrong
// ones make the chosen effort slower than it need be, never less exact.
constexpr double kListCost = 25;
constexpr double kCodeByteCost = 0.05;
constexpr double kCandidateCost = 25;
constexpr double kRowCost = 60;
constexpr double kValueCost = 0.2;

// Where one true neighbour stands in a search.
struct Place {
  std::uint32_t list = kFar;
  std::uint32_t front = kFar;
  std::uint32_t refined = kFar;
  float too_low = 0;  // exact score less estimate, over the query's length
};

float LengthOf(std::span<const float> query) {
  double square = 0;
  for (const float v : query) square += double{v} * v;
  return static_cast<float>(std::sqrt(square));
}

// The query's own row is taken out, as it is in no one else's way.
void Drop(std::vector<Candidate>& candidates, std::uint32_t slot) {
  std::erase_if(candidates, [&](const Candidate& c) { return c.slot == slot; });
}

std::vector<Place> PlacesOf(const Lists& lists, const HeldBack& held, std::size_t dim,
                            const Effort& effort) {
  std::vector<std::vector<Place>> of_query(held.slots.size());
  core::ParallelFor(of_query.size(), 4, [&](std::size_t begin, std::size_t end) {
    for (std::size_t q = begin; q < end; ++q) {
      const std::span<const float> query = std::span(held.queries).subspan(q * dim, dim);
      const float length = LengthOf(query);
      Lists::Trace trace = lists.TraceSearch(query, effort);
      Drop(trace.by_front, held.slots[q]);
      Drop(trace.refined, held.slots[q]);
      for (const Hit& hit : held.nearest[q]) {
        Place place;
        const auto list = std::ranges::find(trace.lists, lists.ListOf(hit.row));
        if (list != trace.lists.end()) {
          place.list = static_cast<std::uint32_t>(list - trace.lists.begin());
        }
        const auto front = std::ranges::find(trace.by_front, hit.row, &Candidate::slot);
        if (front != trace.by_front.end()) {
          place.front = static_cast<std::uint32_t>(front - trace.by_front.begin());
          const auto refined = std::ranges::find(trace.refined, hit.row, &Candidate::slot);
          place.refined = static_cast<std::uint32_t>(refined - trace.refined.begin());
          place.too_low = length > 0 ? (hit.score - refined->score) / length : 0;
        }
        of_query[q].push_back(place);
      }
    }
  });
  std::vector<Place> places;
  for (const auto& some : of_query) places.insert(places.end(), some.begin(), some.end());
  return places;
}

double CostOf(const Lists& lists, std::size_t dim, const Effort& effort) {
  const double rows = static_cast<double>(lists.entries()) /
                      static_cast<double>(std::max<std::size_t>(1, lists.coder().lists()));
  const double row_bytes = 4 + static_cast<double>(lists.coder().projection().front) / 2;
  return static_cast<double>(effort.probes) * (kListCost + rows * row_bytes * kCodeByteCost) +
         static_cast<double>(effort.candidates) * kCandidateCost +
         static_cast<double>(effort.rerank) * (kRowCost + static_cast<double>(dim) * kValueCost);
}

// The least number of lists that hold `share` of the neighbours.
std::size_t ProbesFor(std::vector<Place>& places, double share, std::size_t lists) {
  if (places.empty()) return 1;
  std::ranges::sort(places, {}, &Place::list);
  const auto wanted = static_cast<std::size_t>(
      std::ceil(std::min(1.0, share) * static_cast<double>(places.size())));
  const std::uint32_t last = places[std::max<std::size_t>(1, wanted) - 1].list;
  return last == kFar ? lists : std::min<std::size_t>(lists, last + 1);
}

float DoubtOf(const std::vector<Place>& places) {
  std::vector<float> too_low;
  for (const Place& place : places) {
    if (place.front != kFar) too_low.push_back(place.too_low);
  }
  if (too_low.empty()) return std::numeric_limits<float>::max();
  std::ranges::sort(too_low);
  const auto at =
      static_cast<std::size_t>(kDoubtQuantile * static_cast<double>(too_low.size() - 1));
  return std::max(0.0F, too_low[at]);
}

}  // namespace

Effort ChooseEffort(const Lists& lists, const HeldBack& held, std::size_t dim, double wanted) {
  const std::size_t count = lists.coder().lists();
  Effort chosen = {count, kCandidates.back(), kReranks.back(), std::numeric_limits<float>::max()};
  Effort whole = {count, kEffortRows, kEffortRows, 0};
  std::vector<Place> all = PlacesOf(lists, held, dim, whole);
  if (all.empty()) return chosen;
  double least_cost = std::numeric_limits<double>::max();
  std::size_t before = 0;
  for (const double share : kListShares) {
    Effort effort = {ProbesFor(all, wanted + (1 - wanted) * share, count), kCandidates.back(), 0,
                     0};
    if (effort.probes == before) continue;
    before = effort.probes;
    const std::vector<Place> places = PlacesOf(lists, held, dim, effort);
    effort.doubt = DoubtOf(places);
    for (const std::size_t candidates : kCandidates) {
      for (const std::size_t rerank : kReranks) {
        effort.candidates = candidates;
        effort.rerank = rerank;
        const auto found = std::ranges::count_if(places, [&](const Place& place) {
          return place.front < candidates && place.refined < rerank;
        });
        const double cost = CostOf(lists, dim, effort);
        if (rerank > candidates || cost >= least_cost ||
            static_cast<double>(found) < wanted * static_cast<double>(places.size())) {
          continue;
        }
        least_cost = cost;
        chosen = effort;
      }
    }
  }
  return chosen;
}

double RecallOf(const HeldBack& held, std::span<const std::vector<Hit>> found) {
  std::size_t all = 0;
  std::size_t right = 0;
  for (std::size_t q = 0; q < held.nearest.size(); ++q) {
    for (const Hit& hit : held.nearest[q]) {
      ++all;
      right += std::ranges::find(found[q], hit.row, &Hit::row) != found[q].end() ? 1U : 0U;
    }
  }
  return all == 0 ? 1 : static_cast<double>(right) / static_cast<double>(all);
}

}  // namespace assay::vector::internal
