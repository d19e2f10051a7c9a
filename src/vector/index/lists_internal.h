// The inverted lists: codes of rows by their nearest centroid, and the search through them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "assay/vector/top_k.h"

#include "coding/coder_internal.h"
#include "row_store_internal.h"

namespace assay::vector::internal {

// How far a search looks; chosen by calibration.
struct Effort {
  std::size_t probes = 0;      // lists
  std::size_t candidates = 0;  // rows that the front codes leave over, for k of kEffortRows
  std::size_t rerank = 0;      // of these, rows that are compared exactly at most
  float doubt = 0;             // times the query's length: what an estimate may be too low by
};
inline constexpr std::size_t kEffortRows = 10;

// Blocks of codes start at a cache line.
struct alignas(64) Line {
  std::uint8_t bytes[64];
};
[[nodiscard]] inline std::uint8_t* BytesOf(std::vector<Line>& lines) {
  return reinterpret_cast<std::uint8_t*>(lines.data());
}
[[nodiscard]] inline const std::uint8_t* BytesOf(const std::vector<Line>& lines) {
  return reinterpret_cast<const std::uint8_t*>(lines.data());
}

struct Candidate {
  std::uint32_t slot = 0;
  float score = 0;  // estimated
};

// Threads: Search beside itself; the others alone.
class Lists {
 public:
  explicit Lists(std::shared_ptr<const Coder> coder);

  [[nodiscard]] const Coder& coder() const { return *coder_; }
  [[nodiscard]] const std::shared_ptr<const Coder>& shared_coder() const { return coder_; }
  [[nodiscard]] std::size_t resident_bytes() const;
  [[nodiscard]] std::size_t code_bytes() const;  // of one row: codes, scales, slot, list

  // Requires: the slot is in no list.
  void Add(std::uint32_t slot, const EncodedRow& row);
  // Nothing happens where the slot is in no list.
  void Remove(std::uint32_t slot);
  void ShrinkToFit();

  // The k nearest rows as far as `effort` goes, with exact scores; any order.
  [[nodiscard]] std::vector<Hit> Search(const RowStore& rows, std::span<const float> query,
                                        std::size_t k, const Effort& effort) const;

  // What calibration looks at: the lists in the order of the search and the best
  // effort.candidates rows.
  struct Trace {
    std::vector<std::uint32_t> lists;
    std::vector<Candidate> by_front;  // best first by the front codes alone
    std::vector<Candidate> refined;   // the same rows, best first by both
  };
  [[nodiscard]] Trace TraceSearch(std::span<const float> query, const Effort& effort) const;
  // kNoSlot where it is in none.
  [[nodiscard]] std::uint32_t ListOf(std::uint32_t slot) const {
    return slot < list_of_.size() ? list_of_[slot] : kNoSlot;
  }
  [[nodiscard]] std::size_t entries() const { return entries_; }

  // Raw parts, for the file.
  struct List {
    std::vector<Line> blocks;          // front codes
    std::vector<std::uint8_t> back;    // [entries * (4 + back / 2)]: scale, codes
    std::vector<std::uint32_t> slots;  // [entries]
  };
  [[nodiscard]] const std::vector<List>& lists() const { return lists_; }
  // Takes the parts of a file. Requires: consistent shapes, slots below `slots`, each once.
  void Restore(std::vector<List> lists, std::size_t slots);

 private:
  struct Scratch;

  void Collect(std::span<const float> query, const Effort& effort, std::size_t keep,
               Scratch& scratch) const;
  void ChooseLists(std::size_t probes, Scratch& scratch) const;
  void Refine(Scratch& scratch) const;
  [[nodiscard]] std::size_t BackBytes() const {
    const std::size_t back = coder_->projection().back;
    return back == 0 ? 0 : sizeof(float) + back / 2;
  }

  std::shared_ptr<const Coder> coder_;
  std::vector<List> lists_;
  std::vector<std::uint32_t> list_of_;  // by slot; kNoSlot where it is in none
  std::size_t longest_ = 0;             // the most entries that a list ever had
  std::size_t entries_ = 0;
};

}  // namespace assay::vector::internal
