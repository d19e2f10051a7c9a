// Method: VPOPCNTDQ where the processor has it (Highway 1.0.3 has no target of its own for it that
// is safe), else the 64-bit instruction of the target.
#include "quantize/bit_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quantize/bit_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::vector::internal::HWY_NAMESPACE {

void PlainSharedBits(const std::uint64_t* codes, const std::uint64_t* planes, std::size_t rows,
                     std::size_t words, std::uint32_t* sums) {
  for (std::size_t r = 0; r < rows; ++r, codes += words) {
    std::uint32_t sum = 0;
    for (std::size_t p = 0; p < kQueryPlanes; ++p) {
      std::uint32_t count = 0;
      for (std::size_t w = 0; w < words; ++w) {
        count += static_cast<std::uint32_t>(__builtin_popcountll(codes[w] & planes[p * words + w]));
      }
      sum += count << p;
    }
    sums[r] = sum;
  }
}

#if HWY_TARGET == HWY_AVX3

__attribute__((target(HWY_TARGET_STR ",avx512vpopcntdq"))) void WideSharedBits(
    const std::uint64_t* codes, const std::uint64_t* planes, std::size_t rows, std::size_t words,
    std::uint32_t* sums) {
  constexpr std::size_t kLanes = 8;
  const std::size_t whole = words / kLanes * kLanes;
  const auto rest = static_cast<__mmask8>((1U << (words - whole)) - 1);
  for (std::size_t r = 0; r < rows; ++r, codes += words) {
    __m512i total = _mm512_setzero_si512();
    for (std::size_t w = 0; w < words; w += kLanes) {
      const __mmask8 mask = w < whole ? static_cast<__mmask8>(0xFF) : rest;
      const __m512i code = _mm512_maskz_loadu_epi64(mask, codes + w);
      for (unsigned p = 0; p < kQueryPlanes; ++p) {
        const __m512i plane = _mm512_maskz_loadu_epi64(mask, planes + p * words + w);
        const __m512i count = _mm512_popcnt_epi64(_mm512_and_si512(code, plane));
        total = _mm512_add_epi64(total, _mm512_slli_epi64(count, p));
      }
    }
    sums[r] = static_cast<std::uint32_t>(_mm512_reduce_add_epi64(total));
  }
}

void SharedBits(const std::uint64_t* codes, const std::uint64_t* planes, std::size_t rows,
                std::size_t words, std::uint32_t* sums) {
  static const bool wide = __builtin_cpu_supports("avx512vpopcntdq") != 0;
  (wide ? WideSharedBits : PlainSharedBits)(codes, planes, rows, words, sums);
}

#else

void SharedBits(const std::uint64_t* codes, const std::uint64_t* planes, std::size_t rows,
                std::size_t words, std::uint32_t* sums) {
  PlainSharedBits(codes, planes, rows, words, sums);
}

#endif  // HWY_AVX3

}  // namespace assay::vector::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::vector::internal {

HWY_EXPORT(SharedBits);

void SharedBits(const std::uint64_t* codes, const std::uint64_t* planes, std::size_t rows,
                std::size_t words, std::uint32_t* sums) {
  HWY_DYNAMIC_DISPATCH(SharedBits)(codes, planes, rows, words, sums);
}

}  // namespace assay::vector::internal
#endif  // HWY_ONCE
