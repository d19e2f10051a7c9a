// Requests of an evaluation, from JSON lines.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "assay/cache/semantic/evaluation.h"
#include "assay/core/file_system.h"
#include "assay/core/result.h"

namespace assay::cache::internal {

inline constexpr std::uint32_t kNoText = 0xFFFFFFFF;

struct EvalRequest {
  std::uint32_t text = 0;          // index of a text
  std::uint32_t cached = kNoText;  // pairs: the text that is in the cache before
  std::uint64_t answer = 0;        // requests with equal answers
  std::uint64_t cached_answer = 0;
};

struct EvalSet {
  SemanticDataFormat format = SemanticDataFormat::kPairs;
  std::vector<std::string> texts;  // each once
  std::vector<EvalRequest> requests;
};

// Errors: see EvaluateSemanticCache.
[[nodiscard]] Result<EvalSet> ReadEvalSet(core::FileSystem& files, const std::string& path);

}  // namespace assay::cache::internal
