// The public traces as sequences of keys.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "policies.h"

namespace assay::bench {

struct Trace {
  std::string name;
  std::vector<TraceKey> accesses;  // keys renumbered by first appearance
  std::size_t distinct = 0;
};

// Those of the folder `traces` of the data sets; one that is not there is left out.
[[nodiscard]] std::vector<Trace> ReadTraces(const std::string& folder);

}  // namespace assay::bench
