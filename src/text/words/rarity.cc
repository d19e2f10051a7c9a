// The vocabulary of all-MiniLM-L6-v2 stands in order of frequency, so a place in it is a rank.
#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>

#include "assay/text/cues.h"

namespace assay::text {
namespace {

// The vocabulary of all-MiniLM-L6-v2 without word pieces, most frequent first, one space between.
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Woverlength-strings"
#endif
constexpr std::string_view kWordsByFrequency =
#include "gen/words_by_frequency.inc"
    ;
#ifdef __clang__
#pragma clang diagnostic pop
#endif

constexpr float kRankUnit = 2000;  // rank from which a word counts as rare
constexpr float kUnknownRarity = 3.1F;
constexpr float kDigitsRarity = 2.5F;  // numbers are compared as quantities, not as words
constexpr float kMinRarity = 0.05F;

std::unordered_map<std::string_view, float> MakeRarities() {
  std::unordered_map<std::string_view, float> rarities;
  rarities.reserve(24000);
  std::size_t begin = 0;
  float rank = 0;
  while (begin < kWordsByFrequency.size()) {
    const std::size_t end = std::min(kWordsByFrequency.find(' ', begin), kWordsByFrequency.size());
    rarities.emplace(kWordsByFrequency.substr(begin, end - begin),
                     std::max(kMinRarity, std::log1p(rank / kRankUnit)));
    ++rank;
    begin = end + 1;
  }
  return rarities;
}

}  // namespace

float RarityOf(std::string_view lower_case) {
  static const std::unordered_map<std::string_view, float> kRarities = MakeRarities();
  if (lower_case[0] >= '0' && lower_case[0] <= '9') return kDigitsRarity;
  const auto it = kRarities.find(lower_case);
  return it == kRarities.end() ? kUnknownRarity : it->second;
}

}  // namespace assay::text
