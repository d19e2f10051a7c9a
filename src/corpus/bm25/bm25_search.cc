#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/corpus/analysis.h"
#include "assay/corpus/bm25.h"

#include "bm25/hash_internal.h"
#include "bm25/scan_kernels.h"

namespace assay::corpus {
namespace {

constexpr std::uint32_t kWindow = Bm25View::kWindowRows;
// Below this many essential postings in a window, looking at them again is cheaper than a scan.
constexpr std::size_t kScanFrom = 48;
// How much longer than the essential lists together a list may be to be added as a whole.
constexpr std::size_t kAddFactor = 8;

// One query term over its postings. Offsets count from the term's first posting.
struct Cursor {
  const std::uint32_t* rows = nullptr;
  const std::uint32_t* impacts = nullptr;
  const Bm25Window* windows = nullptr;
  std::uint32_t row_count = 0;
  std::uint32_t window_count = 0;
  std::uint32_t weight = 1;  // how often the query names it
  std::uint64_t bound = 0;   // weight * max impact
  std::uint64_t tenth = 0;   // weight * tenth largest impact
  std::uint32_t begin = 0;   // postings of the present window: [begin, end)
  std::uint32_t end = 0;
  std::uint64_t window_bound = 0;
};

struct Entry {
  std::uint32_t score;
  std::uint32_t row;
};

// True where `a` ranks before `b`. As a heap order it keeps the worst entry in front.
bool RanksBefore(const Entry& a, const Entry& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

// First offset in [from, end) whose row is at least `row`: doubling steps, then halving.
std::uint32_t Seek(const std::uint32_t* rows, std::uint32_t from, std::uint32_t end,
                   std::uint32_t row) {
  std::uint32_t step = 1;
  std::uint32_t low = from;
  while (low + step < end && rows[low + step] < row) {
    low += step;
    step *= 2;
  }
  const std::uint32_t high = std::min(end, low + step + 1);
  return static_cast<std::uint32_t>(std::lower_bound(rows + low, rows + high, row) - rows);
}

struct SearchState {
  alignas(64) std::array<std::uint32_t, kWindow> sums{};  // all zero between windows
  std::array<std::uint32_t, kWindow + 1> found{};
  std::array<std::uint32_t, kWindow + 1> found_sums{};
  std::vector<Cursor> cursors;
  std::vector<Cursor*> order;        // those in the present window, rising window_bound
  std::vector<std::uint64_t> reach;  // reach[i]: sum of the window bounds of order[0 .. i)
  std::vector<Entry> heap;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> query;  // term, weight
  std::vector<std::string_view> tokens;
  Analyzer analyzer;
};

// One search. Rows come in rising order, so a row must score more than `threshold_` to enter: one
// of equal score ranks behind those that are in.
class Searcher {
 public:
  Searcher(std::uint32_t row_count, std::size_t k, SearchState& state)
      : row_count_(row_count), k_(k), state_(state) {}

  void Run() {
    state_.heap.clear();
    // At least ten rows score as much as the tenth best posting of any one term.
    for (const Cursor& cursor : state_.cursors) {
      if (k_ <= 10 && cursor.tenth > threshold_) threshold_ = cursor.tenth - 1;
    }
    for (std::uint64_t base = 0; base < row_count_; base += kWindow) {
      EnterWindow(static_cast<std::uint32_t>(base));
      if (state_.reach.back() > threshold_) SearchWindow(static_cast<std::uint32_t>(base));
    }
    std::sort(state_.heap.begin(), state_.heap.end(), RanksBefore);
  }

 private:
  // Finds each term's postings and bound in the window; orders the terms by bound.
  void EnterWindow(std::uint32_t base) {
    state_.order.clear();
    for (Cursor& cursor : state_.cursors) {
      if (!Position(cursor, base)) continue;
      auto at = state_.order.end();
      while (at != state_.order.begin() && (*(at - 1))->window_bound > cursor.window_bound) --at;
      state_.order.insert(at, &cursor);
    }
    state_.reach.assign(1, 0);
    for (const Cursor* cursor : state_.order) {
      state_.reach.push_back(state_.reach.back() + cursor->window_bound);
    }
  }

  // False where the term has no posting in the window.
  static bool Position(Cursor& cursor, std::uint32_t base) {
    if (cursor.windows == nullptr) {
      cursor.begin = cursor.end;
      while (cursor.end < cursor.row_count && cursor.rows[cursor.end] - base < kWindow) {
        ++cursor.end;
      }
      cursor.window_bound = cursor.bound;
    } else {
      const std::uint32_t w = base / kWindow;
      cursor.begin = cursor.windows[w].posting_offset;
      cursor.end =
          w + 1 < cursor.window_count ? cursor.windows[w + 1].posting_offset : cursor.row_count;
      cursor.window_bound = std::uint64_t{cursor.windows[w].max_impact} * cursor.weight;
    }
    return cursor.begin < cursor.end;
  }

  void SearchWindow(std::uint32_t base) {
    // The weakest terms together cannot lift a row over the threshold: only rows that hold one of
    // the others, the essential ones, are candidates.
    std::size_t first = 0;
    while (first < state_.order.size() && state_.reach[first + 1] <= threshold_) ++first;
    std::size_t postings = 0;
    for (std::size_t i = first; i < state_.order.size(); ++i) postings += PostingsOf(i);
    // Adding a list of about the same length costs less than looking its rows up one by one, and
    // the bar for candidates rises by its bound.
    while (first > 0 && PostingsOf(first - 1) <= kAddFactor * postings + kScanFrom) {
      postings += PostingsOf(--first);
    }
    for (std::size_t i = first; i < state_.order.size(); ++i) Accumulate(*state_.order[i], base);
    const std::uint64_t needed = threshold_ - std::min(threshold_, state_.reach[first]);
    const std::size_t found =
        postings >= kScanFrom
            ? TakeAbove(state_.sums.data(), kWindow, static_cast<std::uint32_t>(needed),
                        state_.found.data(), state_.found_sums.data())
            : TakeTouched(first, base, needed);
    for (std::size_t i = 0; i < found; ++i) {
      Consider(first, base + state_.found[i], state_.found_sums[i]);
    }
  }

  [[nodiscard]] std::size_t PostingsOf(std::size_t i) const {
    return state_.order[i]->end - state_.order[i]->begin;
  }

  // A row outside of the window comes only from a damaged file; it lands inside and ranks wrong.
  void Accumulate(const Cursor& cursor, std::uint32_t base) {
    std::uint32_t* sums = state_.sums.data();
    for (std::uint32_t i = cursor.begin; i < cursor.end; ++i) {
      sums[(cursor.rows[i] - base) % kWindow] += cursor.impacts[i] * cursor.weight;
    }
  }

  std::size_t TakeTouched(std::size_t first, std::uint32_t base, std::uint64_t needed) {
    std::size_t found = 0;
    for (std::size_t t = first; t < state_.order.size(); ++t) {
      const Cursor& cursor = *state_.order[t];
      for (std::uint32_t i = cursor.begin; i < cursor.end; ++i) {
        const std::uint32_t at = (cursor.rows[i] - base) % kWindow;
        const std::uint32_t sum = std::exchange(state_.sums[at], 0);
        if (sum <= needed) continue;
        // Rows rise within one term only; Consider needs them in order.
        std::size_t place = found++;
        for (; place > 0 && state_.found[place - 1] > at; --place) {
          state_.found[place] = state_.found[place - 1];
          state_.found_sums[place] = state_.found_sums[place - 1];
        }
        state_.found[place] = at;
        state_.found_sums[place] = sum;
      }
    }
    return found;
  }

  // Adds the other terms' scores, strongest first, as long as the row can still enter.
  void Consider(std::size_t first, std::uint32_t row, std::uint64_t score) {
    for (std::size_t t = first; t-- > 0;) {
      if (score + state_.reach[t + 1] <= threshold_) return;
      Cursor& cursor = *state_.order[t];
      cursor.begin = Seek(cursor.rows, cursor.begin, cursor.end, row);
      if (cursor.begin < cursor.end && cursor.rows[cursor.begin] == row) {
        score += std::uint64_t{cursor.impacts[cursor.begin]} * cursor.weight;
      }
    }
    if (score <= threshold_ || row >= row_count_) return;
    if (state_.heap.size() == k_) {
      std::pop_heap(state_.heap.begin(), state_.heap.end(), RanksBefore);
      state_.heap.pop_back();
    }
    state_.heap.push_back({static_cast<std::uint32_t>(score), row});
    std::push_heap(state_.heap.begin(), state_.heap.end(), RanksBefore);
    if (state_.heap.size() == k_) {
      threshold_ = std::max<std::uint64_t>(threshold_, state_.heap.front().score);
    }
  }

  std::uint64_t row_count_;
  std::size_t k_;
  SearchState& state_;
  std::uint64_t threshold_ = 0;
};

// Drops the weakest terms until every sum fits into 32 bits.
void LimitBounds(std::vector<Cursor>& cursors) {
  std::uint64_t total = 0;
  for (const Cursor& cursor : cursors) total += cursor.bound;
  if (total <= std::numeric_limits<std::uint32_t>::max()) return;
  std::stable_sort(cursors.begin(), cursors.end(),
                   [](const Cursor& a, const Cursor& b) { return a.bound > b.bound; });
  while (total > std::numeric_limits<std::uint32_t>::max()) {
    total -= cursors.back().bound;
    cursors.pop_back();
  }
}

}  // namespace

struct Bm25Scratch::State : SearchState {};

Bm25Scratch::Bm25Scratch() : state_(std::make_unique<State>()) {}
Bm25Scratch::~Bm25Scratch() = default;
Bm25Scratch::Bm25Scratch(Bm25Scratch&&) noexcept = default;
Bm25Scratch& Bm25Scratch::operator=(Bm25Scratch&&) noexcept = default;

std::int64_t Bm25View::Find(std::string_view token) const {
  const std::uint64_t hash = HashTerm(token);
  const std::size_t mask = slots.size() - 1;
  // A damaged table may be full; no chain is longer than the table.
  for (std::size_t step = 0; step < slots.size(); ++step) {
    const std::uint32_t slot = slots[(hash + step) & mask];
    if (slot == 0 || slot > terms.size()) return -1;
    const Bm25Term& term = terms[slot - 1];
    if (term.name_hash == hash && names.substr(term.name_begin, term.name_bytes) == token) {
      return slot - 1;
    }
  }
  return -1;
}

void Bm25View::Search(std::string_view query, std::size_t k, Bm25Scratch& scratch,
                      std::vector<Bm25Hit>& out) const {
  SearchState& state = *scratch.state_;
  state.tokens.clear();
  state.analyzer.Analyze(query, state.tokens);
  SearchTokens(state.tokens, k, scratch, out);
}

void Bm25View::SearchTokens(std::span<const std::string_view> tokens, std::size_t k,
                            Bm25Scratch& scratch, std::vector<Bm25Hit>& out) const {
  out.clear();
  if (k == 0 || row_count == 0) return;
  SearchState& state = *scratch.state_;
  state.query.clear();
  for (const std::string_view token : tokens) {
    const std::int64_t number = Find(token);
    if (number >= 0) state.query.emplace_back(static_cast<std::uint32_t>(number), 1);
  }
  std::sort(state.query.begin(), state.query.end());
  state.cursors.clear();
  std::uint32_t last = kNoWindows;
  for (const auto& [number, weight] : state.query) {
    const Bm25Term& term = terms[number];
    if (number != last) {
      state.cursors.push_back({.rows = rows.data() + term.posting_begin,
                               .impacts = impacts.data() + term.posting_begin,
                               .windows = nullptr,
                               .row_count = term.row_count,
                               .window_count = (row_count - 1) / kWindowRows + 1,
                               .weight = 0});
      if (term.window_begin != kNoWindows) {
        state.cursors.back().windows = windows.data() + term.window_begin;
      }
      last = number;
    }
    Cursor& cursor = state.cursors.back();
    cursor.weight += weight;
    cursor.bound += term.max_impact;
    cursor.tenth += term.tenth_impact;
  }
  LimitBounds(state.cursors);
  if (state.cursors.empty()) return;
  Searcher(row_count, std::min(k, kMaxBm25Hits), state).Run();
  out.reserve(state.heap.size());
  for (const Entry& entry : state.heap) {
    out.push_back({entry.row, static_cast<float>(entry.score * kBm25Unit)});
  }
}

Result<void> Bm25View::CheckBounds() const {
  const auto damaged = [](std::string_view what) {
    return Fail(Code::kDataLoss, "the keyword index is damaged (" + std::string(what) + ")");
  };
  if (slots.empty() || (slots.size() & (slots.size() - 1)) != 0) return damaged("table size");
  if (rows.size() != impacts.size()) return damaged("postings");
  const std::uint64_t per_term = row_count == 0 ? 0 : (row_count - 1) / kWindowRows + 1;
  for (const Bm25Term& term : terms) {
    if (term.name_begin > names.size() || term.name_bytes > names.size() - term.name_begin ||
        term.posting_begin > rows.size() || term.row_count > rows.size() - term.posting_begin) {
      return damaged("a term points outside");
    }
    if (term.window_begin == kNoWindows) continue;
    if (term.window_begin > windows.size() || per_term > windows.size() - term.window_begin) {
      return damaged("the bounds of a term point outside");
    }
    std::uint32_t before = 0;
    for (const Bm25Window& window : windows.subspan(term.window_begin, per_term)) {
      if (window.posting_offset < before || window.posting_offset > term.row_count) {
        return damaged("the bounds of a term are out of order");
      }
      before = window.posting_offset;
    }
  }
  return {};
}

}  // namespace assay::corpus
