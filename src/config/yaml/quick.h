// A reader for the forms of YAML that configurations are written in, many times as fast as
// libfyaml.
#pragma once
#include <optional>

#include "parse_internal.h"

namespace assay::config::yaml {

// The tree of a text without control characters, equal to the one that ParseByLibfyaml makes; or
// nothing, where the text holds something that this reader is not sure of (a tag, a directive, a
// second document, a tab between tokens, a list as a key, every error, ...): libfyaml then decides.
[[nodiscard]] std::optional<Value> ParseQuickly(const Source& source);

// All of YAML 1.2, and all errors.
[[nodiscard]] Result<Value> ParseByLibfyaml(const Source& source);

}  // namespace assay::config::yaml
