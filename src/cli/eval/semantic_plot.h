// Hit ratio against false-hit rate, as a drawing.
#pragma once
#include <string>

#include "assay/cache/semantic/evaluation.h"

namespace assay::cli {

// SVG of 720 x 440. Pairs: a curve for the cosine and for each policy that orders the pairs, by
// thresholds with hindsight. Streams: where each policy ended; the fixed cosines are joined.
[[nodiscard]] std::string SemanticPlot(const cache::SemanticEvalReport& report);

}  // namespace assay::cli
