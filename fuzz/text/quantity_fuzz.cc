// Extracts from any bytes and compares each quantity with each: spans stay inside and in order,
// everything equals itself, equality is symmetric, and a description is never empty.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "assay/text/quantity.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::text;
  constexpr std::size_t kMaxCompared = 64;  // pairs grow with the square
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<Quantity> out;
  ExtractQuantities(text, out);
  std::uint32_t last = 0;
  for (const Quantity& q : out) {
    Require(q.span.begin >= last && q.span.begin < q.span.end && q.span.end <= size);
    Require(q.noun.begin <= q.noun.end && q.noun.end <= size);
    Require(std::isfinite(q.value) && std::isfinite(q.value_high));
    Require(q.value <= q.value_high || q.kind == QuantityKind::kTime);
    Require(!Describe(q, text).empty() && !Describe(q).empty());
    last = q.span.end;
  }
  if (out.size() > kMaxCompared) out.resize(kMaxCompared);
  for (const Quantity& a : out) {
    Require(Compare(a, a) == Comparison::kEqual);
    for (const Quantity& b : out) {
      Require((Compare(a, b) == Comparison::kEqual) == (Compare(b, a) == Comparison::kEqual));
    }
  }
  return 0;
}
