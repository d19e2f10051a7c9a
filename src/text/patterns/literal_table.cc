#include <algorithm>
#include <bit>
#include <limits>
#include <set>
#include <utility>

#include "patterns/literal_table_internal.h"
#include "patterns/regex_internal.h"

namespace assay::text::patterns {
namespace {

// Per mille of the letters a-z in English (Lewand, Cryptological Mathematics, 2000).
constexpr std::array<double, 26> kLetterPerMille = {
    81.7, 14.9, 27.8, 42.5, 127.0, 22.3, 20.2, 60.9, 69.7, 1.5,  7.7, 40.3, 24.1,
    67.5, 75.1, 19.3, 1.0,  59.9,  63.3, 90.6, 27.6, 9.8,  23.6, 1.5, 19.7, 0.7};
constexpr double kLetterShare = 0.80;
constexpr double kSpaceShare = 0.16;
constexpr double kDigitShare = 0.002;
constexpr double kOtherShare = 0.0005;

constexpr std::size_t kClusterLimit = 256;  // more windows are shared out by sorting: O(n^2) else

using Window = std::array<std::uint8_t, 4>;

struct PlacedWindow {
  std::size_t literal = 0;
  std::size_t length = 4;
  std::size_t offset = 0;
  Window bytes{};
};

// For each filter table, the indices that are allowed.
using Masks = std::array<std::uint16_t, kFilterTables>;

Masks MasksOf(const PlacedWindow& window) {
  Masks masks{};
  for (std::size_t table = 0; table < kFilterTables; ++table) {
    const std::size_t first = table % 4;
    const std::size_t second = table < 4 ? first : (table - 3) % 4;
    const bool known = first < window.length && second < window.length;
    masks[table] = known ? static_cast<std::uint16_t>(1U << FilterIndex(table, window.bytes))
                         : std::uint16_t{0xFFFF};
  }
  return masks;
}

Masks Union(const Masks& a, const Masks& b) {
  Masks result{};
  for (std::size_t i = 0; i < a.size(); ++i) result[i] = a[i] | b[i];
  return result;
}

// Chance that a place of English text passes all tables, as if they and the bytes were independent.
class PassRate {
 public:
  PassRate() {
    std::array<double, 32> code{};  // of bits 0-4
    for (std::size_t b = 0; b < 256; ++b) code[b & 31] += ByteShare(static_cast<std::uint8_t>(b));
    for (std::size_t a = 0; a < 32; ++a) {
      single_[a & 15] += code[a];
      for (std::size_t b = 0; b < 32; ++b) pair_[(a ^ (b >> 1)) & 15] += code[a] * code[b];
    }
  }
  [[nodiscard]] double Of(const Masks& masks) const {
    double rate = 1;
    for (std::size_t table = 0; table < masks.size(); ++table) {
      const auto& shares = table < 4 ? single_ : pair_;
      double pass = 0;
      for (unsigned rest = masks[table]; rest != 0; rest &= rest - 1) {
        pass += shares[static_cast<std::size_t>(std::countr_zero(rest))];
      }
      rate *= pass;
    }
    return rate;
  }

 private:
  std::array<double, 16> single_{};
  std::array<double, 16> pair_{};
};

Window WindowAt(const std::string& bytes, std::size_t offset, std::size_t length) {
  Window window{};
  for (std::size_t i = 0; i < length; ++i) {
    window[i] = static_cast<std::uint8_t>(static_cast<std::uint8_t>(bytes[offset + i]) | 0x20);
  }
  return window;
}

// Two literals of one window cost a branch that is hard to predict, so a taken window counts as
// this many times as frequent.
constexpr double kTakenPenalty = 8;

PlacedWindow RarestWindow(const std::string& bytes, std::size_t literal,
                          const std::set<Window>& taken) {
  PlacedWindow result;
  result.literal = literal;
  result.length = std::min<std::size_t>(bytes.size(), 4);
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t offset = 0; offset + result.length <= bytes.size() && offset <= kMaxWindowOffset;
       ++offset) {
    double share = 1;
    for (std::size_t i = 0; i < result.length; ++i) {
      share *= ByteShare(static_cast<std::uint8_t>(bytes[offset + i]));
    }
    if (taken.contains(WindowAt(bytes, offset, result.length))) share *= kTakenPenalty;
    if (share < least) {
      least = share;
      result.offset = offset;
    }
  }
  result.bytes = WindowAt(bytes, result.offset, result.length);
  return result;
}

// Agglomerative clustering: joins the two clusters whose union adds the least to the pass rate
// until `buckets` are left. O(n^2) evaluations of a rate.
std::vector<Masks> Cluster(std::vector<Masks> clusters, std::size_t buckets) {
  const PassRate rate;
  const std::size_t n = clusters.size();
  std::vector<double> own(n);
  std::vector<double> cost(n * n, std::numeric_limits<double>::infinity());
  std::vector<bool> alive(n, true);
  std::ranges::transform(clusters, own.begin(), [&](const Masks& m) { return rate.Of(m); });
  const auto update = [&](std::size_t a, std::size_t b) {
    cost[std::min(a, b) * n + std::max(a, b)] =
        rate.Of(Union(clusters[a], clusters[b])) - own[a] - own[b];
  };
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = a + 1; b < n; ++b) update(a, b);
  }
  for (std::size_t left = n; left > buckets; --left) {
    const auto best = std::ranges::min_element(cost) - cost.begin();
    const std::size_t a = static_cast<std::size_t>(best) / n;
    const std::size_t b = static_cast<std::size_t>(best) % n;
    clusters[a] = Union(clusters[a], clusters[b]);
    own[a] = rate.Of(clusters[a]);
    alive[b] = false;
    for (std::size_t other = 0; other < n; ++other) {
      cost[std::min(b, other) * n + std::max(b, other)] = std::numeric_limits<double>::infinity();
      if (alive[other] && other != a) update(a, other);
    }
  }
  std::vector<Masks> result;
  for (std::size_t i = 0; i < n; ++i) {
    if (alive[i]) result.push_back(clusters[i]);
  }
  return result;
}

std::vector<Masks> Buckets(std::vector<PlacedWindow> windows, std::size_t buckets) {
  std::ranges::sort(windows, {}, [](const PlacedWindow& w) { return w.bytes; });
  std::vector<Masks> masks;
  std::ranges::transform(windows, std::back_inserter(masks), MasksOf);
  if (masks.size() <= kClusterLimit) return Cluster(std::move(masks), buckets);
  std::vector<Masks> result(buckets);
  for (std::size_t i = 0; i < masks.size(); ++i) {
    Masks& bucket = result[i * buckets / masks.size()];
    bucket = Union(bucket, masks[i]);
  }
  return result;
}

void FillFilter(LiteralTable& table, const std::vector<PlacedWindow>& windows) {
  // Each further group costs eight shuffles for 64 bytes, and pays when buckets grow past ten
  // windows.
  table.groups = windows.size() <= 96 ? 1 : windows.size() <= 160 ? 2 : 4;
  const std::vector<Masks> buckets = Buckets(windows, table.groups * 8);
  for (std::size_t bucket = 0; bucket < buckets.size(); ++bucket) {
    for (std::size_t t = 0; t < kFilterTables; ++t) {
      for (std::size_t index = 0; index < 16; ++index) {
        if ((buckets[bucket][t] >> index & 1) == 0) continue;
        std::uint8_t& cell = table.filter[bucket / 8][t][index];
        cell = static_cast<std::uint8_t>(cell | 1U << bucket % 8);
      }
    }
  }
}

LiteralEntry MakeEntry(const Literal& literal, const PlacedWindow& window) {
  LiteralEntry entry;
  for (std::size_t i = 0; i < kInlineBytes; ++i) {
    std::uint8_t want = 0xFF;
    std::uint8_t fold = 0xFF;
    if (i < literal.bytes.size()) {
      want = static_cast<std::uint8_t>(literal.bytes[i]);
      fold = literal.ignore_case && IsAsciiLetter(want) ? 0x20 : 0;
      want |= fold;
    }
    entry.want[i] = want;
    entry.fold[i] = fold;
  }
  entry.id = literal.id;
  entry.literal = static_cast<std::uint32_t>(window.literal);
  entry.length = static_cast<std::uint16_t>(literal.bytes.size());
  entry.offset = static_cast<std::uint8_t>(window.offset);
  entry.flags = static_cast<std::uint8_t>((literal.whole_word ? kWholeWord : 0) |
                                          (literal.bytes.size() > kInlineBytes ? kLong : 0) |
                                          (literal.starts_regex ? kStartsRegex : 0));
  if (entry.flags == 0) {
    entry.word = literal.id / 64;
    entry.bit = std::uint64_t{1} << (literal.id % 64);
  }
  return entry;
}

void FillWindows(LiteralTable& table, const std::vector<PlacedWindow>& windows) {
  LiteralEntry nothing;
  nothing.fold.fill(0xFF);  // all ones never equal `want`, which is zero
  table.entries.push_back(nothing);
  for (std::size_t length = 1; length <= 4; ++length) {
    const auto count = static_cast<std::size_t>(
        std::ranges::count(windows, length, [](const PlacedWindow& w) { return w.length; }));
    if (count == 0) continue;
    WindowTable hashed;
    const auto bits = static_cast<std::uint32_t>(std::bit_width(count * 8));  // load below 1/8
    hashed.byte_mask = length == 4 ? ~0U : (1U << length * 8) - 1;
    hashed.shift = 32 - bits;
    hashed.heads.assign(std::size_t{1} << bits, 0);
    for (const PlacedWindow& window : windows) {
      if (window.length != length) continue;
      const auto bytes = std::bit_cast<std::uint32_t>(window.bytes);
      std::uint32_t& head = hashed.heads[WindowTable::Slot(bytes, hashed.byte_mask, hashed.shift)];
      LiteralEntry entry = MakeEntry(table.literals[window.literal], window);
      entry.next = std::exchange(head, static_cast<std::uint32_t>(table.entries.size()));
      table.entries.push_back(entry);
    }
    table.windows.push_back(std::move(hashed));
  }
}

}  // namespace

double ByteShare(std::uint8_t byte) {
  if (IsAsciiLetter(byte)) {
    // Half to each case, so that all bytes sum to 1; folding adds the halves again.
    return kLetterPerMille[static_cast<std::size_t>((byte | 0x20) - 'a')] / 1000 * kLetterShare / 2;
  }
  if (byte == ' ') return kSpaceShare;
  return byte >= '0' && byte <= '9' ? kDigitShare : kOtherShare / 8;
}

LiteralTable BuildLiteralTable(std::vector<Literal> literals) {
  LiteralTable table;
  table.literals = std::move(literals);
  if (table.literals.empty()) return table;
  std::vector<PlacedWindow> windows;
  std::set<Window> taken;
  for (std::size_t i = 0; i < table.literals.size(); ++i) {
    windows.push_back(RarestWindow(table.literals[i].bytes, i, taken));
    taken.insert(windows.back().bytes);
  }
  FillFilter(table, windows);
  FillWindows(table, windows);
  return table;
}

}  // namespace assay::text::patterns
