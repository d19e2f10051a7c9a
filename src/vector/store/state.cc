#include "store/state.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "assay/core/hash.h"

namespace assay::vector::internal {
namespace {

// Of two runs; where both have an id, the newer one counts.
std::shared_ptr<const Run> Merged(const Run& older, const Run& newer) {
  auto merged = std::make_shared<Run>();
  merged->reserve(older.size() + newer.size());
  std::size_t i = 0;
  for (const Entry& entry : newer) {
    while (i < older.size() && older[i].id < entry.id) merged->push_back(older[i++]);
    if (i < older.size() && older[i].id == entry.id) ++i;
    merged->push_back(entry);
  }
  merged->insert(merged->end(), older.begin() + static_cast<std::ptrdiff_t>(i), older.end());
  return merged;
}

}  // namespace

Run MakeRun(Run entries) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(entries[i].id, i); });
  Run run;
  run.reserve(entries.size());
  for (const std::size_t i : order) {
    if (!run.empty() && run.back().id == entries[i].id) run.pop_back();
    run.push_back(entries[i]);
  }
  return run;
}

State State::With(std::shared_ptr<const Run> run, std::uint64_t new_version) const {
  State next = *this;
  next.version = new_version;
  next.runs.push_back(std::move(run));
  while (next.runs.size() > 1 && next.runs.end()[-2]->size() < 2 * next.runs.back()->size()) {
    auto merged = Merged(*next.runs.end()[-2], *next.runs.back());
    next.runs.pop_back();
    next.runs.back() = std::move(merged);
  }
  return next;
}

const Entry* State::Find(std::uint64_t id) const {
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    const auto found = std::ranges::lower_bound(**run, id, {}, &Entry::id);
    if (found != (*run)->end() && found->id == id) return &*found;
  }
  return nullptr;
}

Result<void> State::ReadEntry(const Entry& entry, std::span<float> out) const {
  thread_local std::string buffer;
  buffer.resize(entry.size_bytes);
  ASSAY_ASSIGN(const std::size_t got, entry.log->reader->ReadAt(entry.offset, buffer));
  const auto damaged = [&](std::string_view what) {
    return Fail(Code::kDataLoss, fmt::format("'{}' is damaged at offset {}: {}; restore it from a "
                                             "copy",
                                             entry.log->path, entry.offset, what));
  };
  if (got != entry.size_bytes) return damaged("it ends inside of a vector");
  if (core::Crc32c(buffer) != entry.crc) return damaged("the checksum of a vector is wrong");
  if (IsDelta(entry.form)) {
    const auto row = base == nullptr ? std::nullopt : base->RowOf(entry.id);
    if (!row) return damaged("a difference to a vector that is not there");
    ASSAY_TRY(base->Read(*row, out));
  }
  if (Result<void> restored = RestoreRow(entry.form, buffer, out); !restored) {
    return damaged(restored.error().message);
  }
  return {};
}

Result<void> State::Get(std::uint64_t id, std::span<float> out) const {
  if (out.size() != dim) {
    return Fail(Code::kInvalidArgument,
                fmt::format("room for {} values, the vectors have {}", out.size(), dim));
  }
  const auto missing = [&] {
    return Fail(Code::kNotFound, fmt::format("there is no vector {} in version {}", id, version));
  };
  if (const Entry* entry = Find(id)) {
    return entry->form == RowForm::kErased ? missing() : ReadEntry(*entry, out);
  }
  const auto row = base == nullptr ? std::nullopt : base->RowOf(id);
  return row ? base->Read(*row, out) : missing();
}

StateView::StateView(std::shared_ptr<const State> state) : state_(std::move(state)) {
  // One run of all; the state then holds it alone, and pointers into it stay good.
  auto all = std::make_shared<const Run>();
  for (const auto& run : state_->runs) all = Merged(*all, *run);
  if (state_->runs.size() > 1) {
    auto merged = std::make_shared<State>(*state_);
    merged->runs = {all};
    state_ = std::move(merged);
  } else if (!state_->runs.empty()) {
    all = state_->runs.front();
  }
  const std::size_t base_rows = state_->base == nullptr ? 0 : state_->base->rows();
  items_.reserve(base_rows + all->size());
  std::size_t row = 0;
  for (const Entry& entry : *all) {
    for (; row < base_rows && state_->base->IdOf(row) <= entry.id; ++row) {
      const std::uint64_t id = state_->base->IdOf(row);
      if (id < entry.id) items_.push_back({.id = id, .entry = nullptr, .base_row = row});
    }
    if (entry.form != RowForm::kErased) {
      items_.push_back({.id = entry.id, .entry = &entry, .base_row = 0});
    }
  }
  for (; row < base_rows; ++row) {
    items_.push_back({.id = state_->base->IdOf(row), .entry = nullptr, .base_row = row});
  }
}

std::optional<std::size_t> StateView::RowOf(std::uint64_t id) const {
  const auto found = std::ranges::lower_bound(items_, id, {}, &Item::id);
  if (found == items_.end() || found->id != id) return std::nullopt;
  return static_cast<std::size_t>(found - items_.begin());
}

Result<void> StateView::Read(std::size_t first, std::span<float> out) const {
  const std::size_t dim = state_->dim;
  if (out.size() % dim != 0) {
    return Fail(Code::kInvalidArgument,
                fmt::format("room for {} values is no number of rows of {}", out.size(), dim));
  }
  const std::size_t count = out.size() / dim;
  if (first > items_.size() || count > items_.size() - first) {
    return Fail(Code::kOutOfRange, fmt::format("rows {} to {} of a view that has {}", first,
                                               first + count, items_.size()));
  }
  for (std::size_t done = 0; done < count;) {
    const Item& item = items_[first + done];
    std::size_t together = 1;
    if (item.entry != nullptr) {
      ASSAY_TRY(state_->ReadEntry(*item.entry, out.subspan(done * dim, dim)));
    } else {
      // Neighbours in the base are decoded side by side.
      while (done + together < count && items_[first + done + together].entry == nullptr &&
             items_[first + done + together].base_row == item.base_row + together) {
        ++together;
      }
      ASSAY_TRY(state_->base->Read(item.base_row, out.subspan(done * dim, together * dim)));
    }
    done += together;
  }
  return {};
}

bool StateView::SameStorage(std::size_t row, const StateView& other, std::size_t other_row) const {
  const Item& a = items_[row];
  const Item& b = other.items_[other_row];
  if ((a.entry == nullptr) != (b.entry == nullptr)) return false;
  if (a.entry != nullptr) {
    return a.entry->offset == b.entry->offset && a.entry->log->path == b.entry->log->path;
  }
  return a.base_row == b.base_row && state_->base->version() == other.state_->base->version();
}

}  // namespace assay::vector::internal
