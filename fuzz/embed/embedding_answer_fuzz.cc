// Reads arbitrary bytes as the answers of embedding services: what is accepted is finite.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "provider/http/answer_json.h"

namespace {

void CheckFinite(std::span<const float> values) {
  for (const float value : values) {
    if (!std::isfinite(value)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::embed::internal;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  std::array<float, 6> out{};
  for (const std::size_t dim : {std::size_t{1}, std::size_t{2}, std::size_t{3}}) {
    if (ReadOpenAiAnswer(body, dim, out)) CheckFinite(out);
    if (ReadTitanAnswer(body, std::span(out).first(dim))) CheckFinite(std::span(out).first(dim));
  }
  (void)ReadErrorMessage(body);
  const std::string json = JsonString(body);
  if (json.size() < 2 || json.front() != '"' || json.back() != '"') std::abort();
  return 0;
}
