// All pairs: texts of about the same length share a group, one in each SIMD lane; a group is the
// pattern of many texts, strip by strip, so that a strip's masks stay in the first-level cache.
#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <new>
#include <numeric>
#include <optional>

#include "assay/core/parallel.h"
#include "assay/text/similarity/edit.h"

#include "similarity/edit_internal.h"
#include "similarity/edit_kernels.h"
#include "similarity/jaro_internal.h"
#include "similarity/pattern_masks_internal.h"
#include "similarity/symbols_internal.h"

namespace assay::text {
namespace {

using internal::kBits;
using internal::kStripBlocks;

constexpr std::size_t kStripRows = kStripBlocks * kBits;
constexpr std::size_t kCarryBytes = std::size_t{1} << 19;  // a quarter of a second-level cache
constexpr std::align_val_t kAlign{128};                    // HWY_ALIGNMENT

struct FreeAligned {
  void operator()(std::uint64_t* words) const { ::operator delete[](words, kAlign); }
};

// Words at an address that a vector can be loaded from; the content is not kept when it grows.
class Words {
 public:
  std::uint64_t* Reserve(std::size_t count) {
    if (count > capacity_) {
      words_.reset(new (kAlign) std::uint64_t[count]);
      capacity_ = count;
    }
    return words_.get();
  }

 private:
  std::unique_ptr<std::uint64_t[], FreeAligned> words_;
  std::size_t capacity_ = 0;
};

// Strings as numbers of symbols, which all strings share.
struct Numbered {
  explicit Numbered(std::span<const std::u32string> strings) {
    starts.reserve(strings.size() + 1);
    starts.push_back(0);
    for (const std::u32string& string : strings) {
      for (const char32_t c : string) symbols.push_back(numbers.Add(c));
      starts.push_back(symbols.size());
    }
  }
  [[nodiscard]] std::span<const std::uint32_t> operator[](std::size_t i) const {
    return {symbols.data() + starts[i], starts[i + 1] - starts[i]};
  }
  [[nodiscard]] std::size_t length(std::size_t i) const { return starts[i + 1] - starts[i]; }

  internal::Symbols numbers;
  std::vector<std::uint32_t> symbols;
  std::vector<std::size_t> starts;
};

// Patterns and the texts that each of them is compared with.
struct Group {
  std::vector<std::uint32_t> patterns;  // at most one a lane
  std::vector<std::uint32_t> texts;
};

// Runs groups; belongs to one thread.
class Runner {
 public:
  Runner(const Numbered& strings, EditMeasure measure)
      : strings_(strings),
        levenshtein_(measure == EditMeasure::kLevenshtein),
        lanes_(internal::EditLanes()),
        row_of_(strings.numbers.size(), 0) {}

  // Calls take(pattern, text, value) for every pair of the group; the value is the distance
  // (kLevenshtein) or the length of the longest common subsequence.
  template <typename Take>
  void Run(const Group& group, Take&& take) {
    for (std::size_t begin = 0; begin < group.texts.size();) {
      std::size_t end = begin;
      std::size_t columns = 0;
      do {
        columns += strings_.length(group.texts[end++]);
      } while (end < group.texts.size() &&
               (columns + strings_.length(group.texts[end])) * lanes_ * 8 <= kCarryBytes);
      RunTexts(group.patterns, std::span(group.texts).subspan(begin, end - begin), columns, take);
      begin = end;
    }
  }

 private:
  template <typename Take>
  void RunTexts(std::span<const std::uint32_t> patterns, std::span<const std::uint32_t> texts,
                std::size_t columns, Take&& take) {
    std::size_t longest = 0;
    for (const std::uint32_t p : patterns) longest = std::max(longest, strings_.length(p));
    const std::size_t blocks = (longest + kBits - 1) / kBits;
    values_.assign(texts.size() * patterns.size(), 0);
    std::uint64_t* const carry = carry_.Reserve(columns * lanes_ + lanes_);
    std::uint64_t* const out = out_.Reserve(2 * kStripBlocks * lanes_);
    for (std::size_t first = 0; first < blocks; first += kStripBlocks) {
      internal::Strip strip;
      strip.blocks = std::min(kStripBlocks, blocks - first);
      strip.masks = BuildMasks(patterns, first, strip.blocks);
      strip.row_of = row_of_.data();
      strip.carry = carry;
      for (std::size_t t = 0; t < texts.size(); ++t) {
        strip.text = strings_[texts[t]];
        RunStrip(strip, first, patterns, out, &values_[t * patterns.size()]);
        strip.carry += strip.text.size() * lanes_;
      }
    }
    for (std::size_t t = 0; t < texts.size(); ++t) {
      for (std::size_t p = 0; p < patterns.size(); ++p) {
        const std::int64_t above =
            levenshtein_ ? static_cast<std::int64_t>(strings_.length(texts[t])) : 0;
        take(patterns[p], texts[t],
             static_cast<std::size_t>(above + values_[t * patterns.size() + p]));
      }
    }
  }

  void RunStrip(const internal::Strip& strip, std::size_t first,
                std::span<const std::uint32_t> patterns, std::uint64_t* out, std::int64_t* values) {
    std::uint64_t* const minus = out + kStripBlocks * lanes_;
    if (levenshtein_) {
      internal::LevenshteinStrip(strip, first == 0, out, minus);
    } else {
      internal::LcsStrip(strip, first == 0, out);
    }
    for (std::size_t p = 0; p < patterns.size(); ++p) {
      const std::size_t length = strings_.length(patterns[p]);
      for (std::size_t block = 0; block < strip.blocks; ++block) {
        const std::uint64_t used = internal::UsedRows(length, first + block);
        const std::uint64_t bits = out[block * lanes_ + p];
        if (levenshtein_) {
          values[p] += std::popcount(bits & used) - std::popcount(minus[block * lanes_ + p] & used);
        } else {
          values[p] += std::popcount(~bits & used);
        }
      }
    }
  }

  // [rows][blocks][lanes] of rows [64 first, 64 (first + blocks)) of the patterns; sets row_of_.
  const std::uint64_t* BuildMasks(std::span<const std::uint32_t> patterns, std::size_t first,
                                  std::size_t blocks) {
    for (const std::uint32_t symbol : used_) row_of_[symbol] = 0;
    used_.clear();
    const std::size_t row_words = blocks * lanes_;
    const auto part = [&](std::uint32_t pattern) {
      const std::span<const std::uint32_t> all = strings_[pattern];
      const std::size_t begin = std::min(all.size(), first * kBits);
      return all.subspan(begin, std::min(kStripRows, all.size() - begin));
    };
    for (const std::uint32_t pattern : patterns) {
      for (const std::uint32_t symbol : part(pattern)) {
        if (row_of_[symbol] != 0) continue;
        used_.push_back(symbol);
        row_of_[symbol] = static_cast<std::uint32_t>(used_.size() * row_words);
      }
    }
    std::uint64_t* const masks = masks_.Reserve((used_.size() + 1) * row_words);
    std::memset(masks, 0, (used_.size() + 1) * row_words * sizeof(std::uint64_t));
    for (std::size_t lane = 0; lane < patterns.size(); ++lane) {
      std::size_t row = 0;
      for (const std::uint32_t symbol : part(patterns[lane])) {
        masks[row_of_[symbol] + row / kBits * lanes_ + lane] |= std::uint64_t{1} << (row % kBits);
        ++row;
      }
    }
    return masks;
  }

  const Numbered& strings_;
  bool levenshtein_;
  std::size_t lanes_;
  std::vector<std::uint32_t> row_of_;  // by symbol: where its masks begin, 0 where no row has it
  std::vector<std::uint32_t> used_;
  std::vector<std::int64_t> values_;  // [texts][patterns]
  Words masks_, carry_, out_;
};

// Every pair is in exactly one group, but for those inside one chunk of lanes, which are in both
// orders.
std::vector<Group> AllPairs(const Numbered& strings, std::size_t n) {
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](std::uint32_t i) { return strings.length(i); });
  const std::size_t lanes = internal::EditLanes();
  std::vector<Group> groups;
  std::vector<std::size_t> columns;
  for (std::size_t begin = 0; begin < n; begin += lanes) {
    Group& group = groups.emplace_back();
    std::size_t sum = 0;
    for (std::size_t i = begin; i < std::min(n, begin + lanes); ++i) {
      group.patterns.push_back(order[i]);
      sum += strings.length(order[i]);
    }
    group.texts.assign(group.patterns.begin() + 1, group.patterns.end());
    columns.push_back(sum);
  }
  const auto rows = [&](std::size_t g) {
    return strings.length(groups[g].patterns.front()) / kBits + 1;
  };
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (std::size_t h = g + 1; h < groups.size(); ++h) {
      const bool g_is_pattern = rows(g) * columns[h] <= rows(h) * columns[g];
      const std::vector<std::uint32_t>& texts = groups[g_is_pattern ? h : g].patterns;
      std::vector<std::uint32_t>& out = groups[g_is_pattern ? g : h].texts;
      out.insert(out.end(), texts.begin(), texts.end());
    }
  }
  return groups;
}

bool TakesLanes(EditMeasure measure) {
  return measure != EditMeasure::kJaro && measure != EditMeasure::kJaroWinkler;
}

std::vector<std::u32string> Decode(std::span<const std::string_view> texts) {
  std::vector<std::u32string> out(texts.size());
  std::ranges::transform(texts, out.begin(), ToCodePoints);
  return out;
}

}  // namespace

std::vector<double> EditMatrix(std::span<const std::string_view> texts, EditMeasure measure,
                               unsigned threads) {
  const std::size_t n = texts.size();
  std::vector<double> out(n * n, 1.0);
  const std::vector<std::u32string> strings = Decode(texts);
  const auto put = [&](std::size_t i, std::size_t j, double value) {
    out[i * n + j] = out[j * n + i] = value;
  };
  const auto spread = [&](std::size_t count, auto&& body) {
    if (threads == 1) return body(0, count);
    std::optional<core::ThreadLimit> limit;
    if (threads > 1) limit.emplace(threads);
    core::ParallelFor(count, 1, body);
  };
  if (!TakesLanes(measure)) {
    spread(n, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        const internal::PatternMasks masks(strings[i]);
        for (std::size_t j = i + 1; j < n; ++j) {
          put(i, j, internal::JaroLike(masks, strings[i], strings[j], measure));
        }
      }
    });
    return out;
  }
  const Numbered numbered(strings);
  const std::vector<Group> groups = AllPairs(numbered, n);
  spread(groups.size(), [&](std::size_t begin, std::size_t end) {
    Runner runner(numbered, measure);
    for (std::size_t g = begin; g < end; ++g) {
      runner.Run(groups[g], [&](std::size_t i, std::size_t j, std::size_t value) {
        if (i == j) return;
        put(i, j, internal::SimilarityOf(measure, value, numbered.length(i), numbered.length(j)));
      });
    }
  });
  return out;
}

std::vector<double> EditRow(std::string_view text, std::span<const std::string_view> others,
                            EditMeasure measure) {
  const std::size_t n = others.size();
  std::vector<double> out(n);
  std::vector<std::u32string> strings = Decode(others);
  if (!TakesLanes(measure)) {
    const std::u32string one = ToCodePoints(text);
    const internal::PatternMasks masks(one);
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = internal::JaroLike(masks, one, strings[i], measure);
    }
    return out;
  }
  strings.push_back(ToCodePoints(text));
  const Numbered numbered(strings);
  Runner runner(numbered, measure);
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return numbered.length(i); });
  const std::size_t lanes = internal::EditLanes();
  Group group;
  group.texts = {static_cast<std::uint32_t>(n)};
  for (std::size_t begin = 0; begin < n; begin += lanes) {
    group.patterns.assign(order.begin() + static_cast<std::ptrdiff_t>(begin),
                          order.begin() + static_cast<std::ptrdiff_t>(std::min(n, begin + lanes)));
    runner.Run(group, [&](std::size_t i, std::size_t, std::size_t value) {
      out[i] = internal::SimilarityOf(measure, value, numbered.length(i), numbered.length(n));
    });
  }
  return out;
}

}  // namespace assay::text
