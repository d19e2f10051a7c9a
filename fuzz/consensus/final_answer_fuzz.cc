// Final answers of any bytes: the span lies inside, kinds are those that were asked for, numbers
// are finite.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "assay/consensus/final_answer.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::consensus;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const FinalKind kind : {FinalKind::kNone, FinalKind::kNumber, FinalKind::kChoice,
                               FinalKind::kYesNo, FinalKind::kText}) {
    const FinalAnswer final = ExtractFinal(text, kind);
    if (final.kind == FinalKind::kNone) continue;
    Require(kind == FinalKind::kNone || final.kind == kind);
    Require(final.span.begin < final.span.end && final.span.end <= size);
    Require(std::isfinite(final.number) && !final.text.empty());
    Require(SameFinal(final, final));
  }
  return 0;
}
