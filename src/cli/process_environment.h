// The environment of the process, read in one place.
#pragma once
#include "assay/gateway/settings_load.h"

namespace assay::cli {

// All variables. Requires: no other thread changes the environment.
[[nodiscard]] gateway::Environment ProcessEnvironment();

}  // namespace assay::cli
