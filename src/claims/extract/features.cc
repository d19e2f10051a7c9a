// The check-worthiness model: a logistic regression over hashed words and a few counts.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "extract/sentence_internal.h"

namespace assay::claims {
namespace {

struct Weights {
  float scale;  // of the bytes below
  float bias;
  std::int8_t values[kFeatures];
};
#include "extract/gen/check_weights.inc"

// FNV-1a with a final mix, so that the low bits depend on every byte.
class Hash {
 public:
  void Add(char c) { state_ = (state_ ^ static_cast<unsigned char>(c)) * 16777619U; }
  [[nodiscard]] std::uint32_t bucket() const {
    std::uint32_t h = state_;
    h ^= h >> 15U;
    h *= 0x2C1B3C6DU;
    h ^= h >> 13U;
    return h & (kHashedFeatures - 1);
  }

 private:
  std::uint32_t state_ = 2166136261U;
};

// Adds a word in lower case, every digit as 0, so that figures share their weights.
void AddWord(std::string_view word, Hash& hash) {
  for (const char c : word) {
    if (c >= 'A' && c <= 'Z') {
      hash.Add(static_cast<char>(c + 32));
    } else {
      hash.Add(c >= '0' && c <= '9' ? '0' : c);
    }
  }
}

struct Counts {
  float numbers = 0;
  float past = 0;
  float first_person = 0;
  float second_person = 0;
  float third_person = 0;
  float future = 0;
  float capitals = 0;
};

Counts Count(const SentenceView& s) {
  Counts counts;
  for (std::size_t i = 0; i < s.words.size(); ++i) {
    const std::string_view w = s.word(i);
    if (s.figure(i, i + 1)) ++counts.numbers;
    if ((s.roles[i] & kRoleVerb) != 0 && !w.ends_with('s')) ++counts.past;
    if (s.is(i, "was") || s.is(i, "were") || s.is(i, "had")) ++counts.past;
    if (s.is(i, "i") || s.is(i, "we") || s.is(i, "my") || s.is(i, "our") || s.is(i, "me")) {
      ++counts.first_person;
    }
    if (s.is(i, "you") || s.is(i, "your")) ++counts.second_person;
    if ((s.is(i, "he") || s.is(i, "she") || s.is(i, "they") || s.is(i, "his"))) {
      ++counts.third_person;
    }
    if (s.is(i, "will") || s.is(i, "would") || s.is(i, "should") || s.is(i, "shall")) {
      ++counts.future;
    }
    if (i > 0 && w[0] >= 'A' && w[0] <= 'Z') ++counts.capitals;
  }
  return counts;
}

}  // namespace

void CheckFeatures(const SentenceView& s, std::vector<Feature>& out) {
  const std::size_t n = s.words.size();
  const float norm = n == 0 ? 0.0F : 1.0F / std::sqrt(static_cast<float>(n));
  for (std::size_t i = 0; i < n; ++i) {
    Hash one;
    AddWord(s.word(i), one);
    out.push_back({one.bucket(), norm});
    Hash two;
    AddWord(i == 0 ? std::string_view("^") : s.word(i - 1), two);
    two.Add(' ');
    AddWord(s.word(i), two);
    out.push_back({two.bucket(), norm});
  }
  std::uint32_t index = kHashedFeatures;
  const auto dense = [&](float value) {
    if (value != 0.0F) out.push_back({index, value});
    ++index;
  };
  const Counts counts = Count(s);
  const auto capped = [](float value) { return std::min(value, 4.0F) / 4.0F; };
  dense(counts.numbers > 0 ? 1.0F : 0.0F);
  dense(capped(counts.numbers));
  dense(s.names.empty() ? 0.0F : 1.0F);
  dense(capped(static_cast<float>(s.names.size())));
  dense(capped(counts.past));
  dense(capped(counts.first_person));
  dense(capped(counts.second_person));
  dense(capped(counts.third_person));
  dense(capped(counts.future));
  dense(capped(counts.capitals));
  dense(s.text.find('%') != std::string_view::npos ? 1.0F : 0.0F);
  dense(s.text.find('$') != std::string_view::npos ? 1.0F : 0.0F);
  dense(s.text.find('?') != std::string_view::npos ? 1.0F : 0.0F);
  dense(s.text.find('"') != std::string_view::npos ? 1.0F : 0.0F);
  dense(std::min(static_cast<float>(n), 40.0F) / 40.0F);
  dense(n <= 5 ? 1.0F : 0.0F);
  dense(n <= 9 ? 1.0F : 0.0F);
  dense(n >= 20 ? 1.0F : 0.0F);
  float cues[10] = {};
  for (const text::Cue& cue : s.cues) cues[static_cast<std::size_t>(cue.kind)] += 1.0F;
  for (const float count : cues) dense(capped(count));
}

float CheckWorthiness(std::span<const Feature> features) {
  float sum = 0;
  for (const Feature& f : features) {
    sum += f.value * static_cast<float>(kCheckWeights.values[f.index]);
  }
  return 1.0F / (1.0F + std::exp(-(kCheckWeights.bias + sum * kCheckWeights.scale)));
}

}  // namespace assay::claims
