// Every lane of a vector holds a resample with its own generator, so the width changes no result.
#include "resample/resample_kernels.h"

#include <algorithm>
#include <array>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "resample/resample_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::experiments::internal::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kMostLanes = HWY_MAX_BYTES / sizeof(std::uint64_t);

HWY_INLINE std::uint64_t SplitMix(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

HWY_INLINE void Seed(std::uint64_t seed, std::uint64_t resample, std::size_t lane,
                     std::uint64_t (*words)[kMostLanes]) {
  std::uint64_t state = seed + resample * 0xD1B54A32D192ED03ULL;
  for (std::size_t i = 0; i < 4; ++i) words[i][lane] = SplitMix(state);
}

#if HWY_TARGET == HWY_SCALAR
struct Generator {
  std::uint64_t a, b, c, e;

  static std::uint64_t RotateLeft(std::uint64_t x, int by) { return x << by | x >> (64 - by); }
  std::uint64_t Next() {
    const std::uint64_t out = RotateLeft(a + e, 23) + a;
    const std::uint64_t t = b << 17;
    c ^= a;
    e ^= b;
    b ^= c;
    a ^= e;
    c ^= t;
    e = RotateLeft(e, 45);
    return out;
  }
  double Sum(const double* from, std::size_t n) {
    double even = 0;
    double odd = 0;
    for (std::size_t i = 0; i + 2 <= n; i += 2) {
      const std::uint64_t word = Next();
      even += from[((word & 0xFFFFFFFFULL) * n) >> 32];
      odd += from[((word >> 32) * n) >> 32];
    }
    if (n % 2 != 0) even += from[((Next() & 0xFFFFFFFFULL) * n) >> 32];
    return even + odd;
  }
};

std::size_t LaneCount() {
  return 1;
}

void Block(const double* control, std::size_t n_control, const double* treatment,
           std::size_t n_treatment, std::uint64_t (*words)[kMostLanes], double* control_sums,
           double* treatment_sums) {
  Generator generator{words[0][0], words[1][0], words[2][0], words[3][0]};
  control_sums[0] = generator.Sum(control, n_control);
  treatment_sums[0] = generator.Sum(treatment, n_treatment);
}
#else
using D64 = hn::ScalableTag<std::uint64_t>;
using V64 = hn::VFromD<D64>;

template <int kBy>
HWY_INLINE V64 RotateLeft(V64 x) {
  return hn::Or(hn::ShiftLeft<kBy>(x), hn::ShiftRight<64 - kBy>(x));
}

// The state is plain variables, since scalable vectors cannot be members.
HWY_INLINE V64 Next(V64& a, V64& b, V64& c, V64& e) {
  const V64 out = hn::Add(RotateLeft<23>(hn::Add(a, e)), a);
  const V64 t = hn::ShiftLeft<17>(b);
  c = hn::Xor(c, a);
  e = hn::Xor(e, b);
  b = hn::Xor(b, c);
  a = hn::Xor(a, e);
  c = hn::Xor(c, t);
  e = RotateLeft<45>(e);
  return out;
}

// The values at the positions that the low halves of `word` give.
template <class DF>
HWY_INLINE hn::VFromD<DF> Draw(DF df, V64 word, V64 n, const double* HWY_RESTRICT from) {
  const hn::Repartition<std::uint32_t, D64> d32;
  const hn::RebindToSigned<D64> di;
  const V64 product = hn::MulEven(hn::BitCast(d32, word), hn::BitCast(d32, n));
  return hn::GatherIndex(df, from, hn::BitCast(di, hn::ShiftRight<32>(product)));
}

HWY_INLINE void SumOf(V64& a, V64& b, V64& c, V64& e, const double* HWY_RESTRICT from,
                      std::size_t n, double* HWY_RESTRICT out) {
  const hn::ScalableTag<double> df;
  const D64 d;
  const V64 size = hn::Set(d, static_cast<std::uint64_t>(n));
  auto even = hn::Zero(df), odd = hn::Zero(df);
  for (std::size_t i = 0; i + 2 <= n; i += 2) {
    const V64 word = Next(a, b, c, e);
    even = hn::Add(even, Draw(df, word, size, from));
    odd = hn::Add(odd, Draw(df, hn::ShiftRight<32>(word), size, from));
  }
  if (n % 2 != 0) even = hn::Add(even, Draw(df, Next(a, b, c, e), size, from));
  hn::StoreU(hn::Add(even, odd), df, out);
}

std::size_t LaneCount() {
  return hn::Lanes(D64());
}

void Block(const double* HWY_RESTRICT control, std::size_t n_control,
           const double* HWY_RESTRICT treatment, std::size_t n_treatment,
           std::uint64_t (*words)[kMostLanes], double* HWY_RESTRICT control_sums,
           double* HWY_RESTRICT treatment_sums) {
  const D64 d;
  V64 a = hn::LoadU(d, words[0]);
  V64 b = hn::LoadU(d, words[1]);
  V64 c = hn::LoadU(d, words[2]);
  V64 e = hn::LoadU(d, words[3]);
  SumOf(a, b, c, e, control, n_control, control_sums);
  SumOf(a, b, c, e, treatment, n_treatment, treatment_sums);
}
#endif

void Sums(const double* control, std::size_t n_control, const double* treatment,
          std::size_t n_treatment, std::uint64_t seed, std::uint64_t first, double* control_sums,
          double* treatment_sums, std::size_t count) {
  const std::size_t lanes = LaneCount();
  std::uint64_t words[4][kMostLanes];
  double of_control[kMostLanes];
  double of_treatment[kMostLanes];
  for (std::size_t r = 0; r < count; r += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) Seed(seed, first + r + lane, lane, words);
    Block(control, n_control, treatment, n_treatment, words, of_control, of_treatment);
    const std::size_t kept = std::min(lanes, count - r);
    std::copy_n(of_control, kept, control_sums + r);
    std::copy_n(of_treatment, kept, treatment_sums + r);
  }
}

}  // namespace assay::experiments::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::experiments::internal {
HWY_EXPORT(Sums);

void ResampledSums(std::span<const double> control, std::span<const double> treatment,
                   std::uint64_t seed, std::uint64_t first, std::span<double> control_sums,
                   std::span<double> treatment_sums) {
  HWY_DYNAMIC_DISPATCH(Sums)
  (control.data(), control.size(), treatment.data(), treatment.size(), seed, first,
   control_sums.data(), treatment_sums.data(), control_sums.size());
}

}  // namespace assay::experiments::internal
#endif
