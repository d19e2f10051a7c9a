#include "assay/core/result.h"

namespace assay::core {

static_assert(
    [] {
      for (std::size_t i = 0; i < kCodeTable.size(); ++i) {
        if (static_cast<std::size_t>(kCodeTable[i].code) != i) return false;
      }
      return true;
    }(),
    "kCodeTable is indexed by Code");

}  // namespace assay::core
