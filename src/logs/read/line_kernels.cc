// Where lines end, by SIMD: one comparison a vector, one step for each line end.
#include "read/line_kernels.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "read/line_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::logs::internal::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 64 lanes, so that a mask is one word.
using Bytes = hn::CappedTag<std::uint8_t, 64>;

HWY_INLINE std::uint64_t NewlinesAt(Bytes d, const std::uint8_t* at) {
  std::uint8_t stored[8] = {};
  hn::StoreMaskBits(d, hn::Eq(hn::LoadU(d, at), hn::Set(d, '\n')), stored);
  std::uint64_t bits = 0;
  std::memcpy(&bits, stored, sizeof bits);
  return bits;
}

std::size_t FindLineEnds(const char* bytes, std::size_t size, std::uint32_t* ends) {
  const Bytes d;
  const std::size_t lanes = hn::Lanes(d);
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes);
  std::uint32_t* out = ends;
  std::size_t at = 0;
  for (; at + lanes <= size; at += lanes) {
    for (std::uint64_t bits = NewlinesAt(d, data + at); bits != 0; bits &= bits - 1) {
      *out++ = static_cast<std::uint32_t>(at + static_cast<unsigned>(std::countr_zero(bits)));
    }
  }
  for (; at < size; ++at) {
    if (data[at] == '\n') *out++ = static_cast<std::uint32_t>(at);
  }
  return static_cast<std::size_t>(out - ends);
}

std::size_t CountLineEnds(const char* bytes, std::size_t size) {
  const Bytes d;
  const std::size_t lanes = hn::Lanes(d);
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes);
  std::size_t count = 0;
  std::size_t at = 0;
  for (; at + lanes <= size; at += lanes) {
    count += hn::CountTrue(d, hn::Eq(hn::LoadU(d, data + at), hn::Set(d, '\n')));
  }
  for (; at < size; ++at) count += data[at] == '\n' ? 1U : 0U;
  return count;
}

}  // namespace assay::logs::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "assay/logs/log_reader.h"

namespace assay::logs {
namespace internal {
HWY_EXPORT(FindLineEnds);
HWY_EXPORT(CountLineEnds);

std::size_t CountLineEnds(std::string_view bytes) {
  return HWY_DYNAMIC_DISPATCH(CountLineEnds)(bytes.data(), bytes.size());
}

std::size_t FindLineEnds(std::string_view bytes, std::uint32_t* ends) {
  return HWY_DYNAMIC_DISPATCH(FindLineEnds)(bytes.data(), bytes.size(), ends);
}

}  // namespace internal

void SplitLines(std::string_view bytes, std::vector<text::Span>& lines) {
  // In pieces, so that the ends stay in the first-level cache and need no allocation.
  constexpr std::size_t kPieceBytes = 4096;
  std::uint32_t ends[kPieceBytes];
  lines.clear();
  std::uint32_t begin = 0;
  const auto add = [&](std::uint32_t end) {
    const std::uint32_t cut = end > begin && bytes[end - 1] == '\r' ? 1 : 0;
    lines.push_back({begin, end - cut});
    begin = end + 1;
  };
  for (std::size_t at = 0; at < bytes.size(); at += kPieceBytes) {
    const std::size_t count = internal::FindLineEnds(bytes.substr(at, kPieceBytes), ends);
    for (std::size_t i = 0; i < count; ++i) add(static_cast<std::uint32_t>(at) + ends[i]);
  }
  if (begin < bytes.size()) add(static_cast<std::uint32_t>(bytes.size()));
}

}  // namespace assay::logs
#endif
