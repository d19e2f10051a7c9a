// Reads arbitrary bytes as a request and as a reply of the claims' wire form. What is read must be
// written as the same thing again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "assay/claims/shared/wire.h"

namespace claims = assay::claims;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto request = claims::ReadWireRequest(bytes)) {
    if (claims::WireBytes(*request) != size) std::abort();
    std::string again(size, '\0');
    claims::WriteWire(*request, std::span<char>(again));
    const auto second = claims::ReadWireRequest(again);
    if (!second || second->claims != request->claims || second->route != request->route) {
      std::abort();
    }
  }
  if (const auto judgements = claims::ReadWireJudgements(bytes)) {
    if (claims::WireBytes(std::span<const claims::Judgement>(*judgements)) != size) std::abort();
    const auto records = claims::ReadWireRecords(bytes);
    if (!records || records->size() != judgements->size()) std::abort();
  }
  return 0;
}
