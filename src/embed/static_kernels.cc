#include "static_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "static_kernels.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::embed::internal::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE void AddRow(const std::int8_t* HWY_RESTRICT row, float scale, std::size_t dim,
                       float* HWY_RESTRICT out) {
  const hn::ScalableTag<float> df;
  const hn::Rebind<std::int32_t, decltype(df)> d32;
  const hn::Rebind<std::int8_t, decltype(df)> d8;
  const auto factor = hn::Set(df, scale);
  const std::size_t step = hn::Lanes(df);
  std::size_t i = 0;
  for (; i + step <= dim; i += step) {
    const auto values = hn::ConvertTo(df, hn::PromoteTo(d32, hn::LoadU(d8, row + i)));
    hn::StoreU(hn::MulAdd(values, factor, hn::LoadU(df, out + i)), df, out + i);
  }
  for (; i < dim; ++i) out[i] += scale * static_cast<float>(row[i]);
}

HWY_INLINE float SquaredLength(std::span<const float> values) {
  const hn::ScalableTag<float> df;
  const std::size_t step = hn::Lanes(df);
  auto sum0 = hn::Zero(df);
  auto sum1 = hn::Zero(df);  // two chains hide the latency of one
  std::size_t i = 0;
  for (; i + 2 * step <= values.size(); i += 2 * step) {
    const auto a = hn::LoadU(df, values.data() + i);
    const auto b = hn::LoadU(df, values.data() + i + step);
    sum0 = hn::MulAdd(a, a, sum0);
    sum1 = hn::MulAdd(b, b, sum1);
  }
  float square = hn::GetLane(hn::SumOfLanes(df, hn::Add(sum0, sum1)));
  for (; i < values.size(); ++i) square += values[i] * values[i];
  return square;
}

void SumRows(const TokenTable& table, std::span<const std::int32_t> ids, std::span<float> out) {
  constexpr std::size_t kAhead = 4;  // rows: a miss in L2 takes about as long as four sums
  std::fill(out.begin(), out.end(), 0.0F);
  for (std::size_t t = 0; t < ids.size(); ++t) {
    if (t + kAhead < ids.size()) {
      const std::int8_t* next =
          table.values.data() + static_cast<std::size_t>(ids[t + kAhead]) * table.dim;
      for (std::size_t i = 0; i < table.dim; i += 64) hwy::Prefetch(next + i);
    }
    const auto id = static_cast<std::size_t>(ids[t]);
    AddRow(table.values.data() + id * table.dim, table.scales[id], table.dim, out.data());
  }
  const float square = SquaredLength(out);
  if (square == 0) return;
  const float inverse = 1 / std::sqrt(square);
  for (float& value : out) value *= inverse;
}

}  // namespace assay::embed::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::embed::internal {

HWY_EXPORT(SumRows);

void SumRows(const TokenTable& table, std::span<const std::int32_t> ids, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(SumRows)(table, ids, out);
}

}  // namespace assay::embed::internal
#endif  // HWY_ONCE
