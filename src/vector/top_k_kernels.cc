// Method: blocks of 2 queries x 4 rows, one accumulator per pair. Eight independent chains of
// multiply-adds hide their latency of 4 cycles on two ports, and each loaded row serves two
// queries. Where there are 32 registers, blocks of 4 x 6 floats: 10 loads for 24 multiply-adds.
#include "top_k_kernels.h"

#include <algorithm>
#include <array>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "top_k_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::vector::internal::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The last `count` < Lanes(d) values at `from`, followed by zeros; reads nothing behind them.
template <class D, typename T = hn::TFromD<D>>
HWY_INLINE hn::VFromD<D> LoadTail(D d, const T* HWY_RESTRICT from, std::size_t count) {
  HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(T)] = {};
  std::memcpy(buffer, from, count * sizeof(T));
  return hn::Load(d, buffer);
}

struct FloatDot {
  using Query = float;
  using Row = float;
  using Sum = float;
  hn::ScalableTag<float> d;
  using V = hn::VFromD<hn::ScalableTag<float>>;

  HWY_INLINE std::size_t Step() const { return hn::Lanes(d); }
  HWY_INLINE V LoadQuery(const float* from) const { return hn::LoadU(d, from); }
  HWY_INLINE V LoadRow(const float* from) const { return hn::LoadU(d, from); }
  HWY_INLINE V QueryTail(const float* from, std::size_t n) const { return LoadTail(d, from, n); }
  HWY_INLINE V RowTail(const float* from, std::size_t n) const { return LoadTail(d, from, n); }
  HWY_INLINE V Zero() const { return hn::Zero(d); }
  HWY_INLINE void Add(V q, V r, V& sum, V& /*sum1*/) const { sum = hn::MulAdd(q, r, sum); }
  HWY_INLINE float Total(V sum, V /*sum1*/) const { return hn::GetLane(hn::SumOfLanes(d, sum)); }
};

#if HWY_TARGET == HWY_SCALAR
// One-lane vectors cannot be split into halves, so this target does without them.
struct Int8Dot {
  using Query = std::int16_t;
  using Row = std::int8_t;
  using Sum = std::int32_t;

  HWY_INLINE std::size_t Step() const { return 1; }
  HWY_INLINE Sum LoadQuery(const std::int16_t* from) const { return *from; }
  HWY_INLINE Sum LoadRow(const std::int8_t* from) const { return *from; }
  HWY_INLINE Sum QueryTail(const std::int16_t* from, std::size_t) const { return *from; }
  HWY_INLINE Sum RowTail(const std::int8_t* from, std::size_t) const { return *from; }
  HWY_INLINE Sum Zero() const { return 0; }
  HWY_INLINE void Add(Sum q, Sum r, Sum& sum, Sum& /*sum1*/) const { sum += q * r; }
  HWY_INLINE Sum Total(Sum sum, Sum /*sum1*/) const { return sum; }
};
#else
struct Int8Dot {
  using Query = std::int16_t;
  using Row = std::int8_t;
  using Sum = std::int32_t;
  hn::ScalableTag<std::int32_t> d32;
  hn::Repartition<std::int16_t, hn::ScalableTag<std::int32_t>> d16;
  hn::Rebind<std::int8_t, decltype(d16)> d8;
  using V = hn::VFromD<hn::ScalableTag<std::int32_t>>;
  using V16 = hn::VFromD<decltype(d16)>;

  HWY_INLINE std::size_t Step() const { return hn::Lanes(d16); }
  HWY_INLINE V16 LoadQuery(const std::int16_t* from) const { return hn::LoadU(d16, from); }
  HWY_INLINE V16 LoadRow(const std::int8_t* from) const {
    return hn::PromoteTo(d16, hn::LoadU(d8, from));
  }
  HWY_INLINE V16 QueryTail(const std::int16_t* from, std::size_t n) const {
    return LoadTail(d16, from, n);
  }
  HWY_INLINE V16 RowTail(const std::int8_t* from, std::size_t n) const {
    return hn::PromoteTo(d16, LoadTail(d8, from, n));
  }
  HWY_INLINE V Zero() const { return hn::Zero(d32); }
  HWY_INLINE void Add(V16 q, V16 r, V& sum, V& sum1) const {
    sum = hn::ReorderWidenMulAccumulate(d32, q, r, sum, sum1);
  }
  HWY_INLINE std::int32_t Total(V sum, V sum1) const {
    return hn::GetLane(hn::SumOfLanes(d32, hn::Add(sum, sum1)));
  }
};

#endif  // HWY_SCALAR

// Accumulators are plain variables because scalable vectors cannot stand in arrays.
template <bool kTwoQueries, class Dot>
HWY_INLINE void Block(const Dot& dot, const typename Dot::Query* HWY_RESTRICT q0,
                      const typename Dot::Query* HWY_RESTRICT q1,
                      const std::array<const typename Dot::Row*, 4>& rows, std::size_t dim,
                      typename Dot::Sum* HWY_RESTRICT out0, typename Dot::Sum* HWY_RESTRICT out1) {
  auto a0 = dot.Zero(), a1 = dot.Zero(), a2 = dot.Zero(), a3 = dot.Zero();
  auto b0 = dot.Zero(), b1 = dot.Zero(), b2 = dot.Zero(), b3 = dot.Zero();
  auto c0 = dot.Zero(), c1 = dot.Zero(), c2 = dot.Zero(), c3 = dot.Zero();
  auto d0 = dot.Zero(), d1 = dot.Zero(), d2 = dot.Zero(), d3 = dot.Zero();
  const auto add = [&](auto x0, auto x1, auto r0, auto r1, auto r2, auto r3) HWY_ATTR {
    dot.Add(x0, r0, a0, c0);
    dot.Add(x0, r1, a1, c1);
    dot.Add(x0, r2, a2, c2);
    dot.Add(x0, r3, a3, c3);
    if constexpr (kTwoQueries) {
      dot.Add(x1, r0, b0, d0);
      dot.Add(x1, r1, b1, d1);
      dot.Add(x1, r2, b2, d2);
      dot.Add(x1, r3, b3, d3);
    }
  };
  const std::size_t step = dot.Step();
  std::size_t i = 0;
  for (; i + step <= dim; i += step) {
    add(dot.LoadQuery(q0 + i), dot.LoadQuery(q1 + i), dot.LoadRow(rows[0] + i),
        dot.LoadRow(rows[1] + i), dot.LoadRow(rows[2] + i), dot.LoadRow(rows[3] + i));
  }
  if (const std::size_t left = dim - i; left > 0) {
    add(dot.QueryTail(q0 + i, left), dot.QueryTail(q1 + i, left), dot.RowTail(rows[0] + i, left),
        dot.RowTail(rows[1] + i, left), dot.RowTail(rows[2] + i, left),
        dot.RowTail(rows[3] + i, left));
  }
  out0[0] = dot.Total(a0, c0);
  out0[1] = dot.Total(a1, c1);
  out0[2] = dot.Total(a2, c2);
  out0[3] = dot.Total(a3, c3);
  if constexpr (kTwoQueries) {
    out1[0] = dot.Total(b0, d0);
    out1[1] = dot.Total(b1, d1);
    out1[2] = dot.Total(b2, d2);
    out1[3] = dot.Total(b3, d3);
  }
}

#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
#define ASSAY_WIDE_BLOCKS 1
#else
#define ASSAY_WIDE_BLOCKS 0
#endif

#if ASSAY_WIDE_BLOCKS
constexpr std::size_t kWideQueries = 4;
constexpr std::size_t kWideRows = 6;

// One query's sums with six rows; the same operations in the same order as in Block.
template <class V>
struct SixSums {
  V s0, s1, s2, s3, s4, s5;

  HWY_INLINE void Add(V q, V r0, V r1, V r2, V r3, V r4, V r5) {
    s0 = hn::MulAdd(q, r0, s0);
    s1 = hn::MulAdd(q, r1, s1);
    s2 = hn::MulAdd(q, r2, s2);
    s3 = hn::MulAdd(q, r3, s3);
    s4 = hn::MulAdd(q, r4, s4);
    s5 = hn::MulAdd(q, r5, s5);
  }
  HWY_INLINE void Store(const FloatDot& dot, float* HWY_RESTRICT out) const {
    out[0] = dot.Total(s0, s0);
    out[1] = dot.Total(s1, s1);
    out[2] = dot.Total(s2, s2);
    out[3] = dot.Total(s3, s3);
    out[4] = dot.Total(s4, s4);
    out[5] = dot.Total(s5, s5);
  }
};

// Four queries that follow each other with six rows; sums [4 * 6].
HWY_INLINE void WideBlock(const float* HWY_RESTRICT queries,
                          const std::array<const float*, kWideRows>& rows, std::size_t dim,
                          float* HWY_RESTRICT sums) {
  const FloatDot dot;
  const auto zero = dot.Zero();
  using Sums = SixSums<FloatDot::V>;
  Sums a = {zero, zero, zero, zero, zero, zero};
  Sums b = a, c = a, d = a;
  const float* HWY_RESTRICT q1 = queries + dim;
  const float* HWY_RESTRICT q2 = q1 + dim;
  const float* HWY_RESTRICT q3 = q2 + dim;
  const auto add = [&](auto load, std::size_t i) HWY_ATTR {
    const auto r0 = load(rows[0] + i);
    const auto r1 = load(rows[1] + i);
    const auto r2 = load(rows[2] + i);
    const auto r3 = load(rows[3] + i);
    const auto r4 = load(rows[4] + i);
    const auto r5 = load(rows[5] + i);
    a.Add(load(queries + i), r0, r1, r2, r3, r4, r5);
    b.Add(load(q1 + i), r0, r1, r2, r3, r4, r5);
    c.Add(load(q2 + i), r0, r1, r2, r3, r4, r5);
    d.Add(load(q3 + i), r0, r1, r2, r3, r4, r5);
  };
  const std::size_t step = dot.Step();
  std::size_t i = 0;
  for (; i + step <= dim; i += step) {
    add([&](const float* from) HWY_ATTR { return dot.LoadRow(from); }, i);
  }
  if (const std::size_t left = dim - i; left > 0) {
    add([&](const float* from) HWY_ATTR { return dot.RowTail(from, left); }, i);
  }
  a.Store(dot, sums);
  b.Store(dot, sums + kWideRows);
  c.Store(dot, sums + 2 * kWideRows);
  d.Store(dot, sums + 3 * kWideRows);
}

// The whole groups of four queries; returns how many queries that are.
std::size_t WideDots(const float* queries, std::size_t query_count, const float* rows,
                     std::size_t row_count, std::size_t dim, float* out) {
  const std::size_t whole = query_count / kWideQueries * kWideQueries;
  for (std::size_t r = 0; r < row_count; r += kWideRows) {
    const std::size_t kept = std::min(kWideRows, row_count - r);
    std::array<const float*, kWideRows> block;
    for (std::size_t i = 0; i < kWideRows; ++i) block[i] = rows + (r + std::min(i, kept - 1)) * dim;
    for (std::size_t q = 0; q < whole; q += kWideQueries) {
      std::array<float, kWideQueries * kWideRows> sums;
      WideBlock(queries + q * dim, block, dim, sums.data());
      for (std::size_t i = 0; i < kWideQueries; ++i) {
        std::copy_n(sums.data() + i * kWideRows, kept, out + (q + i) * row_count + r);
      }
    }
  }
  return whole;
}
#endif  // ASSAY_WIDE_BLOCKS

// The last block of rows repeats its last row up to four; what it gives twice is not kept.
template <class Dot>
HWY_INLINE void Dots(const Dot& dot, const typename Dot::Query* queries, std::size_t query_count,
                     const typename Dot::Row* rows, std::size_t row_count, std::size_t dim,
                     typename Dot::Sum* out) {
  for (std::size_t r = 0; r < row_count; r += 4) {
    const std::size_t whole = std::min<std::size_t>(4, row_count - r);
    std::array<const typename Dot::Row*, 4> block;
    for (std::size_t i = 0; i < 4; ++i) block[i] = rows + (r + std::min(i, whole - 1)) * dim;
    for (std::size_t q = 0; q < query_count; q += 2) {
      std::array<typename Dot::Sum, 8> sums;
      const typename Dot::Query* first = queries + q * dim;
      const bool two = q + 1 < query_count;
      if (two) {
        Block<true>(dot, first, first + dim, block, dim, sums.data(), sums.data() + 4);
      } else {
        Block<false>(dot, first, first, block, dim, sums.data(), sums.data() + 4);
      }
      std::copy_n(sums.data(), whole, out + q * row_count + r);
      if (two) std::copy_n(sums.data() + 4, whole, out + (q + 1) * row_count + r);
    }
  }
}

void FloatDots(const float* queries, std::size_t query_count, const float* rows,
               std::size_t row_count, std::size_t dim, float* scores) {
  std::size_t done = 0;
#if ASSAY_WIDE_BLOCKS
  done = WideDots(queries, query_count, rows, row_count, dim, scores);
#endif
  Dots(FloatDot(), queries + done * dim, query_count - done, rows, row_count, dim,
       scores + done * row_count);
}

void Int8Dots(const std::int16_t* queries, std::size_t query_count, const std::int8_t* rows,
              std::size_t row_count, std::size_t dim, std::int32_t* dots) {
  Dots(Int8Dot(), queries, query_count, rows, row_count, dim, dots);
}

#undef ASSAY_WIDE_BLOCKS
}  // namespace assay::vector::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::vector::internal {

HWY_EXPORT(FloatDots);
HWY_EXPORT(Int8Dots);

void FloatDots(const float* queries, std::size_t query_count, const float* rows,
               std::size_t row_count, std::size_t dim, float* scores) {
  HWY_DYNAMIC_DISPATCH(FloatDots)(queries, query_count, rows, row_count, dim, scores);
}

void Int8Dots(const std::int16_t* queries, std::size_t query_count, const std::int8_t* rows,
              std::size_t row_count, std::size_t dim, std::int32_t* dots) {
  HWY_DYNAMIC_DISPATCH(Int8Dots)(queries, query_count, rows, row_count, dim, dots);
}

}  // namespace assay::vector::internal
#endif  // HWY_ONCE
