// Counts by level and time that can be added up in any order.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "assay/logs/rates.h"

namespace assay::logs::internal {

// Each width divides the next, so that counts of one can be added up to counts of the other. The
// last, 3,640 days, covers 20,000 years; no format writes more.
inline constexpr std::array<std::int64_t, 17> kWidthsS = {
    1,    2,     10,    30,     60,      300,       600,        1800,       3600,
    7200, 21600, 43200, 86'400, 604'800, 2'419'200, 31'449'600, 314'496'000};

class TimeCounts {
 public:
  void Add(std::int64_t time_us, LogLevel level) {
    if (time_us < bucket_begin_us_ || time_us >= bucket_end_us_) [[unlikely]] {
      Select(time_us);
    }
    ++(*bucket_)[static_cast<std::size_t>(level)];
  }
  void Merge(const TimeCounts& other);
  [[nodiscard]] TimeSeries Series() const;

 private:
  using Bucket = std::array<std::uint64_t, kLogLevels>;
  void Select(std::int64_t time_us);
  // Makes room for the second `low_s` to `high_s`.
  void Cover(std::int64_t low_s, std::int64_t high_s);
  void Widen(std::size_t width);

  std::size_t width_ = 0;   // index into kWidthsS
  std::int64_t first_ = 0;  // number of the first bucket: seconds / width
  std::vector<Bucket> buckets_;
  Bucket* bucket_ = nullptr;  // that was counted in last
  std::int64_t bucket_begin_us_ = 0;
  std::int64_t bucket_end_us_ = 0;  // not behind its begin: none
};

}  // namespace assay::logs::internal
