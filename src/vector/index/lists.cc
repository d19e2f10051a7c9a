#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include <hwy/cache_control.h>

#include "lists_internal.h"
#include "top_k_kernels.h"

namespace assay::vector::internal {
namespace {

constexpr auto kBetter = [](const auto& a, const auto& b) { return a.score > b.score; };

void PrefetchLines(const std::vector<Line>& lines) {
  constexpr std::size_t kMostLines = 128;  // the hardware has caught up by then
  for (std::size_t i = 0; i < std::min(lines.size(), kMostLines); ++i) hwy::Prefetch(&lines[i]);
}

}  // namespace

// Reused by a thread's searches, so that they allocate nothing but their result.
struct Lists::Scratch {
  std::vector<float> head;
  CodeQuery whole;
  CodeQuery front;
  CodeQuery back;
  float length = 0;  // of the query
  std::vector<Survivor> list_buffer;
  std::span<Survivor> lists;  // best first
  std::vector<const float*> pointers;
  std::vector<float> bases;  // of lists: the query's dot product with their centroids
  std::vector<Survivor> row_buffer;
  std::span<Survivor> rows;
};

Lists::Lists(std::shared_ptr<const Coder> coder)
    : coder_(std::move(coder)), lists_(coder_->lists()) {}

std::size_t Lists::code_bytes() const {
  const Projection& projection = coder_->projection();
  return projection.front / 2 + sizeof(float) + BackBytes() + 2 * sizeof(std::uint32_t);
}

std::size_t Lists::resident_bytes() const {
  std::size_t bytes = coder_->resident_bytes() + list_of_.capacity() * sizeof(list_of_[0]) +
                      lists_.capacity() * sizeof(List);
  for (const List& list : lists_) {
    bytes += list.blocks.capacity() * sizeof(Line) + list.back.capacity() +
             list.slots.capacity() * sizeof(list.slots[0]);
  }
  return bytes;
}

void Lists::Add(std::uint32_t slot, const EncodedRow& row) {
  const std::size_t front = coder_->projection().front;
  List& list = lists_[row.list];
  const std::size_t entry = list.slots.size();
  if (entry % kBlockRows == 0) {
    list.blocks.resize(list.blocks.size() + BlockBytes(front) / sizeof(Line));
  }
  StoreInBlock(BytesOf(list.blocks), front, entry, row.front_scale, row.front);
  if (BackBytes() > 0) {
    list.back.resize(list.back.size() + BackBytes());
    std::uint8_t* back = list.back.data() + entry * BackBytes();
    std::memcpy(back, &row.back_scale, sizeof(float));
    std::ranges::copy(row.back, back + sizeof(float));
  }
  list.slots.push_back(slot);
  if (list_of_.size() <= slot) list_of_.resize(slot + 1, kNoSlot);
  list_of_[slot] = row.list;
  longest_ = std::max(longest_, entry + 1);
  ++entries_;
}

void Lists::Remove(std::uint32_t slot) {
  if (slot >= list_of_.size() || list_of_[slot] == kNoSlot) return;
  const std::size_t front = coder_->projection().front;
  List& list = lists_[list_of_[slot]];
  list_of_[slot] = kNoSlot;
  const auto entry =
      static_cast<std::size_t>(std::ranges::find(list.slots, slot) - list.slots.begin());
  const std::size_t last = list.slots.size() - 1;
  if (entry != last) {
    MoveInBlocks(BytesOf(list.blocks), front, last, entry);
    if (BackBytes() > 0) {
      std::memcpy(list.back.data() + entry * BackBytes(), list.back.data() + last * BackBytes(),
                  BackBytes());
    }
    list.slots[entry] = list.slots[last];
  }
  list.slots.pop_back();
  list.back.resize(last * BackBytes());
  list.blocks.resize((last + kBlockRows - 1) / kBlockRows * BlockBytes(front) / sizeof(Line));
  --entries_;
}

void Lists::ShrinkToFit() {
  for (List& list : lists_) {
    list.blocks.shrink_to_fit();
    list.back.shrink_to_fit();
    list.slots.shrink_to_fit();
  }
  list_of_.shrink_to_fit();
}

void Lists::Restore(std::vector<List> lists, std::size_t slots) {
  lists_ = std::move(lists);
  list_of_.assign(slots, kNoSlot);
  for (std::uint32_t l = 0; l < lists_.size(); ++l) {
    for (const std::uint32_t slot : lists_[l].slots) list_of_[slot] = l;
    longest_ = std::max(longest_, lists_[l].slots.size());
    entries_ += lists_[l].slots.size();
  }
}

namespace {

// The survivors of a scan so far, of which the `keep` best are wanted.
class BestSurvivors {
 public:
  // `longest`: the most that one scan adds.
  BestSurvivors(std::vector<Survivor>& rows, std::size_t keep, std::size_t longest)
      : rows_(rows), keep_(keep) {
    if (rows_.size() < 2 * keep + longest) rows_.resize(2 * keep + longest);
  }

  void Scan(const CodeQuery& query, const std::uint8_t* blocks, std::size_t rows, float base,
            std::uint32_t list) {
    found_ += ScanBlocks(query, blocks, rows, base, bar_, list, rows_.data() + found_);
    if (found_ >= 2 * keep_) Cut();
  }

  // The best, in any order.
  [[nodiscard]] std::span<Survivor> Finish() {
    if (found_ > keep_) Cut();
    return std::span(rows_).first(found_);
  }

 private:
  void Cut() {
    const auto begin = rows_.begin();
    std::nth_element(begin, begin + static_cast<std::ptrdiff_t>(keep_ - 1),
                     begin + static_cast<std::ptrdiff_t>(found_), kBetter);
    found_ = keep_;
    bar_ = rows_[keep_ - 1].score;
  }

  std::vector<Survivor>& rows_;
  const std::size_t keep_;
  std::size_t found_ = 0;
  float bar_ = -std::numeric_limits<float>::infinity();
};

}  // namespace

void Lists::ChooseLists(std::size_t probes, Scratch& scratch) const {
  constexpr std::size_t kAtOnce = 256;
  const std::size_t count = coder_->lists();
  const std::size_t dims = coder_->projection().dims();
  BestSurvivors best(scratch.list_buffer, probes, kAtOnce);
  for (std::size_t first = 0; first < count; first += kAtOnce) {
    const std::uint8_t* blocks =
        coder_->centroid_blocks().data() + first / kBlockRows * BlockBytes(dims);
    best.Scan(scratch.whole, blocks, std::min(kAtOnce, count - first), 0,
              static_cast<std::uint32_t>(first));
  }
  scratch.lists = best.Finish();
  std::ranges::sort(scratch.lists, kBetter);  // the best first: the bar is high soon
  // What the residuals are added to is exact.
  scratch.pointers.clear();
  for (Survivor& list : scratch.lists) {
    list.list += list.entry;  // the entry counts within its 256
    scratch.pointers.push_back(coder_->Centroid(list.list));
  }
  scratch.bases.resize(scratch.lists.size());
  GatherDots(scratch.head.data(), scratch.pointers.data(), scratch.pointers.size(), dims, nullptr,
             scratch.bases.data());
}

void Lists::Collect(std::span<const float> query, const Effort& effort, std::size_t keep,
                    Scratch& scratch) const {
  const Projection& projection = coder_->projection();
  scratch.head.resize(projection.dims());
  projection.Project(query, scratch.head);
  const std::span<const float> head = scratch.head;
  MakeCodeQuery(head, scratch.whole);
  MakeCodeQuery(head.first(projection.front), scratch.front);
  MakeCodeQuery(head.subspan(projection.front), scratch.back);
  float square = 0;
  FloatDots(query.data(), 1, query.data(), 1, query.size(), &square);
  scratch.length = std::sqrt(square);
  ChooseLists(std::min(effort.probes, coder_->lists()), scratch);

  keep = std::clamp<std::size_t>(keep, 1, std::max<std::size_t>(1, entries_));
  BestSurvivors best(scratch.row_buffer, keep, longest_);
  const std::span<const Survivor> lists = scratch.lists;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    constexpr std::size_t kCodesAhead = 2;
    constexpr std::size_t kListsAhead = 6;
    if (i + kListsAhead < lists.size()) hwy::Prefetch(&lists_[lists[i + kListsAhead].list]);
    if (i + kCodesAhead < lists.size()) PrefetchLines(lists_[lists[i + kCodesAhead].list].blocks);
    const List& list = lists_[lists[i].list];
    best.Scan(scratch.front, BytesOf(list.blocks), list.slots.size(), scratch.bases[i],
              lists[i].list);
  }
  scratch.rows = best.Finish();
}

void Lists::Refine(Scratch& scratch) const {
  const std::size_t bytes = BackBytes();
  if (bytes == 0) return;
  const auto back_of = [&](const Survivor& row) {
    return lists_[row.list].back.data() + row.entry * bytes;
  };
  const std::span<Survivor> rows = scratch.rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    constexpr std::size_t kAhead = 8;
    if (i + kAhead < rows.size()) {
      const std::uint8_t* next = back_of(rows[i + kAhead]);
      hwy::Prefetch(next);
      hwy::Prefetch(next + bytes - 1);
    }
    const std::uint8_t* back = back_of(rows[i]);
    float scale = 0;
    std::memcpy(&scale, back, sizeof(scale));
    const auto sum = static_cast<float>(CodeDot(scratch.back, back + sizeof(scale)));
    const float score = rows[i].score + scale * (scratch.back.scale * sum + scratch.back.offset);
    // Values near the limits of float may give infinities of both signs.
    rows[i].score = std::isnan(score) ? -std::numeric_limits<float>::infinity() : score;
  }
}

std::vector<Hit> Lists::Search(const RowStore& rows, std::span<const float> query, std::size_t k,
                               const Effort& effort) const {
  thread_local Scratch scratch;
  const auto scaled = [&](std::size_t count) {
    return std::max(k, count * std::max(k, kEffortRows) / kEffortRows);
  };
  Collect(query, effort, scaled(effort.candidates), scratch);
  Refine(scratch);
  std::span<Survivor> candidates = scratch.rows;
  const std::size_t rerank = std::min(scaled(effort.rerank), candidates.size());
  std::ranges::partial_sort(candidates, candidates.begin() + static_cast<std::ptrdiff_t>(rerank),
                            kBetter);
  candidates = candidates.first(rerank);
  const auto slot_of = [&](const Survivor& row) { return lists_[row.list].slots[row.entry]; };
  const float doubt = effort.doubt * scratch.length;
  std::vector<Hit> best;  // a heap whose front is the worst
  best.reserve(k + 1);
  constexpr std::size_t kAtOnce = 4;
  std::array<const float*, kAtOnce> pointers;
  std::array<float, kAtOnce> scores;
  for (std::size_t first = 0; first < candidates.size(); first += kAtOnce) {
    if (best.size() == k && candidates[first].score + doubt < best.front().score) break;
    const std::size_t count = std::min(kAtOnce, candidates.size() - first);
    for (std::size_t i = 0; i < count; ++i) {
      pointers[i] = rows.Row(slot_of(candidates[first + i]));
    }
    const float* next = first + kAtOnce < candidates.size()
                            ? rows.Row(slot_of(candidates[first + kAtOnce]))
                            : nullptr;
    GatherDots(query.data(), pointers.data(), count, query.size(), next, scores.data());
    for (std::size_t i = 0; i < count; ++i) {
      if (std::isnan(scores[i])) continue;
      if (best.size() == k && scores[i] <= best.front().score) continue;
      best.push_back({slot_of(candidates[first + i]), scores[i]});
      std::ranges::push_heap(best, kBetter);
      if (best.size() <= k) continue;
      std::ranges::pop_heap(best, kBetter);
      best.pop_back();
    }
  }
  return best;
}

Lists::Trace Lists::TraceSearch(std::span<const float> query, const Effort& effort) const {
  Scratch scratch;
  Collect(query, effort, effort.candidates, scratch);
  Trace trace;
  for (const Survivor& list : scratch.lists) trace.lists.push_back(list.list);
  const auto copy = [&](std::vector<Candidate>& to) {
    std::ranges::sort(scratch.rows, kBetter);
    for (const Survivor& row : scratch.rows) {
      to.push_back({lists_[row.list].slots[row.entry], row.score});
    }
  };
  copy(trace.by_front);
  Refine(scratch);
  copy(trace.refined);
  return trace;
}

}  // namespace assay::vector::internal
