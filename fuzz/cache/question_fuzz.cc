// Reads arbitrary bytes as two questions, cut at the first NUL, and as two answers.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "assay/cache/semantic/semantic_cache.h"

using namespace assay;  // NOLINT: a fuzz target is a file of its own

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = bytes.find('\0');
  const std::string_view second =
      cut == std::string_view::npos ? std::string_view() : bytes.substr(cut + 1);
  const cache::Question a = cache::ReadQuestion(bytes.substr(0, cut));
  const cache::Question b = cache::ReadQuestion(second);
  const auto forth = cache::Compare(a, b, nullptr);
  const auto back = cache::Compare(b, a, nullptr);
  if (!forth || !back) std::abort();
  if (cache::Decides(*forth) && cache::Describe(forth->differences.front()).empty()) std::abort();
  const auto self = cache::Compare(a, a, nullptr);
  if (!self || cache::Decides(*self)) std::abort();
  (void)cache::TimeDependence(bytes);
  return 0;
}
