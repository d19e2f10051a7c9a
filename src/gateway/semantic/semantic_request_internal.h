// Which chat requests may be answered by a similar one, and what must be equal for it.
// Threads: pure functions.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "assay/core/hash.h"
#include "assay/core/result.h"

namespace assay::gateway {

struct SemanticRequest {
  core::Hash128 context;  // all but the last message's text, its model, tenant and route
  std::string question;   // that text
};

// Errors: kFailedPrecondition with the reason in words: the last message is not the user's or is
// no text, tools take part, or the answer depends on when it is asked; kInvalidArgument for a body
// that is no chat request. O(bytes).
[[nodiscard]] Result<SemanticRequest> ReadSemanticRequest(std::string_view body,
                                                          std::string_view tenant,
                                                          std::uint64_t route_version);

}  // namespace assay::gateway
