// Optimize(): from the rows that are in to lists with a calibrated effort, while others search.
#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>
#include <random>
#include <utility>

#include "assay/core/parallel.h"
#include "assay/vector/top_k.h"

#include "calibrate_internal.h"
#include "live_index_internal.h"

namespace assay::vector::internal {
namespace {

constexpr std::size_t kHeldBack = 512;
constexpr std::size_t kDirectionRows = 8192;  // of which the directions are learned
constexpr std::size_t kRowsPerList = 32;      // of which the centroids are learned, at most
constexpr double kListsPerRoot = 6.3;         // times sqrt(rows): 2,000 lists for 100,000 rows
constexpr std::size_t kPieceRows = 256;       // copied under the lock at once
constexpr std::size_t kStretchRows = 16384;   // whose codes wait in memory for their lists
constexpr double kRecallMargin = 0.0025;      // a standard error of the held-back recall

}  // namespace

// One run of Optimize(); lives on its stack.
class LiveIndex::Optimizer {
 public:
  Optimizer(LiveIndex& index, const OnIndexProgress& on_progress)
      : index_(index), on_progress_(on_progress), dim_(index.options_.dim) {}

  void Run() {
    DrawSamples();
    Train();
    EncodeAll();
    CatchUp();
    Calibrate();
    Publish();
  }

 private:
  void Report(std::string_view stage, std::size_t done, std::size_t total) const {
    if (on_progress_) on_progress_({stage, done, total});
  }

  // Copies rows to `out` [slots.size() * dim], unless they are gone: those are not-a-number.
  void CopyRows(std::span<const std::uint32_t> slots, float* out) const {
    for (std::size_t first = 0; first < slots.size(); first += kPieceRows) {
      const GatedLock::Read hold(index_.lock_);
      for (std::size_t i = first; i < std::min(slots.size(), first + kPieceRows); ++i) {
        float* to = out + i * dim_;
        if (index_.rows_.IsLive(slots[i])) {
          std::copy_n(index_.rows_.Row(slots[i]), dim_, to);
        } else {
          std::fill_n(to, dim_, std::numeric_limits<float>::quiet_NaN());
        }
      }
    }
  }

  // Rows of these slots that are still there, one behind the other.
  [[nodiscard]] std::vector<float> RowsOf(std::vector<std::uint32_t>& slots) const {
    std::vector<float> rows(slots.size() * dim_);
    CopyRows(slots, rows.data());
    std::size_t kept = 0;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (std::isnan(rows[i * dim_])) continue;
      std::copy_n(rows.data() + i * dim_, dim_, rows.data() + kept * dim_);
      slots[kept++] = slots[i];
    }
    slots.resize(kept);
    rows.resize(kept * dim_);
    return rows;
  }

  void DrawSamples() {
    Report("sampling", 0, 1);
    {
      const GatedLock::Read hold(index_.lock_);
      slots_ = index_.rows_.slots();
      for (std::uint32_t slot = 0; slot < slots_; ++slot) {
        if (index_.rows_.IsLive(slot)) order_.push_back(slot);
      }
    }
    std::mt19937 random(99);  // any seed; a fixed one makes builds repeat
    std::ranges::shuffle(order_, random);
    const std::size_t held = std::min(kHeldBack, order_.size() / 8);
    held_.slots.assign(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(held));
    held_.queries = RowsOf(held_.slots);
    held_.nearest.resize(held_.slots.size());
    order_.erase(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(held));
  }

  void Train() {
    Report("learning directions", 0, 1);
    std::vector<std::uint32_t> some(
        order_.begin(),
        order_.begin() + static_cast<std::ptrdiff_t>(std::min(kDirectionRows, order_.size())));
    Projection projection = TrainProjection(RowsOf(some), dim_);
    const std::size_t dims = projection.dims();
    const auto lists =
        static_cast<std::size_t>(kListsPerRoot * std::sqrt(static_cast<double>(order_.size())));
    const std::size_t count = std::min(order_.size(), lists * kRowsPerList);
    std::vector<float> heads(count * dims);
    core::ParallelFor(count, kPieceRows, [&](std::size_t begin, std::size_t end) {
      std::vector<float> rows((end - begin) * dim_);
      CopyRows(std::span(order_).subspan(begin, end - begin), rows.data());
      projection.Project(rows, std::span(heads).subspan(begin * dims, (end - begin) * dims));
    });
    // A row that went away in the meantime is not-a-number all over.
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (std::isnan(heads[i * dims])) continue;
      std::copy_n(heads.data() + i * dims, dims, heads.data() + kept++ * dims);
    }
    heads.resize(std::max<std::size_t>(kept, 1) * dims);
    std::vector<float> centroids =
        TrainCentroids(heads, dims, std::min(lists, heads.size() / dims),
                       [&](std::size_t round) { Report("clustering", round, kCentroidRounds); });
    coder_ = std::make_shared<const Coder>(std::move(projection), std::move(centroids));
    order_ = {};
  }

  // Codes of rows [first, first + codes.size()), and what they are to the held-back queries.
  void EncodePiece(std::size_t first, std::span<EncodedRow> codes, std::span<char> live) {
    const std::size_t dims = coder_->projection().dims();
    std::vector<std::uint32_t> slots(codes.size());
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = static_cast<std::uint32_t>(first + i);
    std::vector<float> rows(slots.size() * dim_);
    CopyRows(slots, rows.data());
    std::vector<float> heads(slots.size() * dims);
    coder_->projection().Project(rows, heads);
    std::vector<std::uint32_t> lists(slots.size());
    coder_->Assign(heads, lists);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      live[i] = std::isnan(rows[i * dim_]) ? 0 : 1;
      if (live[i] != 0) {
        codes[i] = coder_->EncodeHead(std::span(heads).subspan(i * dims, dims), lists[i]);
      }
    }
    // One more than wanted, since the query is among the rows.
    const auto hits = TopKBatch(held_.queries, dim_, rows, kEffortRows + 1);
    if (!hits || held_.slots.empty()) return;
    const std::size_t per_query = hits->size() / held_.slots.size();
    const std::lock_guard hold(nearest_mutex_);
    for (std::size_t i = 0; i < hits->size(); ++i) {
      const Hit& hit = (*hits)[i];
      if (hit.row == kNoRow) continue;
      const std::size_t q = i / per_query;
      const auto slot = static_cast<std::uint32_t>(first + hit.row);
      std::vector<Hit>& best = held_.nearest[q];
      if (slot == held_.slots[q]) continue;
      if (best.size() == kEffortRows && hit.score <= best.back().score) continue;
      const auto at = std::ranges::upper_bound(best, hit.score, std::greater(), &Hit::score);
      best.insert(at, {slot, hit.score});
      if (best.size() > kEffortRows) best.pop_back();
    }
  }

  void EncodeAll() {
    lists_ = std::make_unique<Lists>(coder_);
    std::vector<EncodedRow> codes(std::min(kStretchRows, slots_));
    std::vector<char> live(codes.size());
    for (std::size_t stretch = 0; stretch < slots_; stretch += kStretchRows) {
      Report("encoding", stretch, slots_);
      const std::size_t count = std::min(kStretchRows, slots_ - stretch);
      core::ParallelFor(count, kPieceRows, [&](std::size_t begin, std::size_t end) {
        EncodePiece(stretch + begin, std::span(codes).subspan(begin, end - begin),
                    std::span(live).subspan(begin, end - begin));
      });
      for (std::size_t i = 0; i < count; ++i) {
        if (live[i] != 0) lists_->Add(static_cast<std::uint32_t>(stretch + i), codes[i]);
      }
    }
    lists_->ShrinkToFit();
  }

  // Brings the lists up to what was inserted and erased since.
  void Renew(std::span<const std::uint32_t> touched) {
    std::vector<float> row(dim_);
    for (const std::uint32_t slot : touched) {
      lists_->Remove(slot);
      if (!index_.rows_.IsLive(slot)) continue;
      lists_->Add(slot, coder_->Encode({index_.rows_.Row(slot), dim_}));
    }
  }

  static void Distinct(std::vector<std::uint32_t>& slots) {
    std::ranges::sort(slots);
    const auto rest = std::ranges::unique(slots);
    slots.erase(rest.begin(), rest.end());
  }

  // Writers may be faster than this, so it ends after some rounds, each of which has less to do.
  void CatchUp() {
    constexpr std::size_t kRounds = 4;
    constexpr std::size_t kAtOnce = 8;  // slots: some 0.1 ms under the lock
    for (std::size_t round = 0; round < kRounds; ++round) {
      std::vector<std::uint32_t> touched;
      {
        const GatedLock::Write hold(index_.lock_);
        if (index_.touched_.size() <= kAtOnce) return;
        std::swap(touched, index_.touched_);
      }
      Distinct(touched);
      for (std::size_t i = 0; i < touched.size(); i += kAtOnce) {
        const GatedLock::Read hold(index_.lock_);
        Renew(std::span(touched).subspan(i, std::min(kAtOnce, touched.size() - i)));
      }
    }
  }

  void Calibrate() {
    Report("calibrating", 0, 1);
    const double wanted = index_.options_.wanted_recall;
    effort_ = ChooseEffort(*lists_, held_, dim_, std::min(1.0, wanted + kRecallMargin));
    std::vector<std::vector<Hit>> found(held_.slots.size());
    core::ParallelFor(found.size(), 4, [&](std::size_t begin, std::size_t end) {
      for (std::size_t q = begin; q < end; ++q) {
        const GatedLock::Read hold(index_.lock_);
        // Its own row comes first, which the neighbours do not count.
        found[q] = lists_->Search(index_.rows_, std::span(held_.queries).subspan(q * dim_, dim_),
                                  kEffortRows + 1, effort_);
      }
    });
    recall_ = RecallOf(held_, found);
  }

  void Publish() {
    CatchUp();
    const GatedLock::Write hold(index_.lock_);
    Distinct(index_.touched_);
    Renew(index_.touched_);
    index_.lists_ = std::move(lists_);
    index_.effort_ = effort_;
    index_.calibrated_recall_ = recall_;
    index_.optimized_rows_ = index_.rows_.size();
    index_.GrowVersion();
  }

  LiveIndex& index_;
  const OnIndexProgress& on_progress_;
  const std::size_t dim_;
  std::size_t slots_ = 0;
  std::vector<std::uint32_t> order_;  // live slots in random order
  HeldBack held_;
  std::mutex nearest_mutex_;  // guards held_.nearest in EncodePiece
  std::shared_ptr<const Coder> coder_;
  std::unique_ptr<Lists> lists_;
  Effort effort_;
  double recall_ = 0;
};

Result<void> LiveIndex::Optimize(const OnIndexProgress& on_progress) {
  {
    const GatedLock::Write hold(lock_);
    if (optimizing_) {
      return Fail(Code::kFailedPrecondition, "the index is being optimized already");
    }
    if (rows_.size() < kExactBelow || options_.dim < kMinProjectedDim) {
      lists_ = nullptr;
      optimized_rows_ = 0;
      GrowVersion();
      return {};
    }
    optimizing_ = true;
    touched_.clear();
  }
  Optimizer(*this, on_progress).Run();
  const GatedLock::Write hold(lock_);
  optimizing_ = false;
  touched_ = {};
  return {};
}

}  // namespace assay::vector::internal
