#include "memory/table_internal.h"

namespace assay::cache::memory {

const Entry* Table::Search(const Key& key) const noexcept {
  const std::size_t steps = StepsFrom(BucketOf(key));
  for (std::size_t step = 0; step <= steps; ++step) {
    for (const std::atomic<std::uint64_t>& slot : buckets_[(HomeOf(key) + step) & mask_].words) {
      const std::uint64_t word = slot.load(std::memory_order_seq_cst);  // as in Candidate
      if (word >> kAddressBits != TagOf(key) || word == 0) continue;
      if (EntryIn(word)->key() == key) return EntryIn(word);
    }
  }
  return nullptr;
}

}  // namespace assay::cache::memory
