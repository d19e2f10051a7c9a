#include "assay/text/similarity/word_bags.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "assay/core/hash.h"
#include "assay/text/utf8.h"

namespace assay::text {
namespace {

constexpr std::size_t kShort = 16;  // bytes of a word that is its own key

constexpr std::array<bool, 256> kWordBytes = [] {
  std::array<bool, 256> out{};
  for (unsigned char c = '0'; c <= '9'; ++c) out[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) out[c] = out[c - 'a' + 'A'] = true;
  return out;
}();

// A word of up to 16 bytes itself, padded with zeros, or the hash of a longer one.
struct Key {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::uint32_t size = 0;  // of the word in bytes, at least 1
  friend bool operator==(const Key&, const Key&) = default;
};

Key KeyOf(std::string_view word) {
  Key key{.size = static_cast<std::uint32_t>(word.size())};
  if (word.size() <= kShort) {
    std::array<std::uint64_t, 2> bytes{};
    std::memcpy(bytes.data(), word.data(), word.size());
    key.low = bytes[0];
    key.high = bytes[1];
  } else {
    const core::Hash128 hash = core::HashBytes128(word);
    key.low = hash.low;
    key.high = hash.high;
  }
  return key;
}

// The key of `size` <= 16 ASCII letters and digits at `at`, folded; 16 bytes there must be
// readable.
Key KeyOfAscii(const char* at, std::size_t size) {
  std::array<std::uint64_t, 2> bytes;
  std::memcpy(bytes.data(), at, kShort);
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  constexpr std::uint64_t kLower = 0x2020202020202020;  // set in digits already
  static_assert(std::endian::native == std::endian::little);
  const std::uint64_t low = size >= 8 ? kAll : ~(kAll << (8 * size));
  const std::uint64_t high = size >= kShort ? kAll : size <= 8 ? 0 : ~(kAll << (8 * (size - 8)));
  return {(bytes[0] | kLower) & low, (bytes[1] | kLower) & high, static_cast<std::uint32_t>(size)};
}

// Numbers keys: open addressing at a load of at most one half.
class Interner {
 public:
  Interner() : slots_(1024) {}

  std::uint32_t Number(const Key& key) {
    std::size_t at = Find(key);
    if (slots_[at].key.size == 0) {
      if (2 * (count_ + 1) > slots_.size()) {
        Grow();
        at = Find(key);
      }
      slots_[at] = {key, count_++};
    }
    return slots_[at].number;
  }

  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  struct Slot {
    Key key;
    std::uint32_t number = 0;
  };

  [[nodiscard]] std::size_t Find(const Key& key) const {
    // Multiply and fold (Lemire and Kaser 2014 call it multilinear); the sum of both keeps words
    // apart that differ in either half.
    const std::uint64_t mixed =
        (key.low ^ std::rotl(key.high * 0x9E3779B97F4A7C15U, 29)) * 0xD6E8FEB86659FD93U;
    std::size_t at = (mixed >> 32) & (slots_.size() - 1);
    while (slots_[at].key.size != 0 && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  void Grow() {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.key.size != 0) slots_[Find(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::uint32_t count_ = 0;
};

// The end of the word that starts at `at`, which it appends folded to `word`; `at` where none
// starts.
std::size_t AppendWord(std::string_view text, std::size_t at, std::string& word) {
  while (at < text.size()) {
    const Decoded decoded = DecodeUtf8(text, at);
    if (!decoded.valid || !IsWordPart(Classify(decoded.code_point))) break;
    AppendUtf8(FoldCase(decoded.code_point), word);
    at += decoded.size_bytes;
  }
  return at;
}

// Calls take(key) for each folded word of `text`.
template <typename Take>
void ForEachWord(std::string_view text, std::string& word, Take&& take) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    while (at < text.size() && kWordBytes[static_cast<unsigned char>(text[at])]) ++at;
    const bool ascii = at == text.size() || static_cast<unsigned char>(text[at]) < 0x80;
    if (ascii && at > begin && at - begin <= kShort && begin + kShort <= text.size()) {
      take(KeyOfAscii(text.data() + begin, at - begin));
      continue;
    }
    if (ascii && at == begin) {
      ++at;
      continue;
    }
    word.clear();
    at = AppendWord(text, begin, word);
    if (word.empty()) {
      at = begin + DecodeUtf8(text, begin).size_bytes;
    } else {
      take(KeyOf(word));
    }
  }
}

// A text and how often it holds an item.
struct Posting {
  std::uint32_t text = 0;
  std::uint32_t count = 0;
};

// For each item the texts that hold it, in rising order.
struct Postings {
  std::vector<std::size_t> starts;
  std::vector<Posting> postings;

  // The items of text i are items[starts_of[i], starts_of[i + 1]), numbered below `distinct`.
  Postings(std::span<const std::uint32_t> items, std::span<const std::size_t> starts_of,
           std::size_t distinct) {
    std::vector<std::uint32_t> last(distinct, 0xFFFFFFFF);
    starts.assign(distinct + 1, 0);
    const auto each = [&](auto&& body) {
      for (std::size_t i = 0; i + 1 < starts_of.size(); ++i) {
        for (std::size_t at = starts_of[i]; at < starts_of[i + 1]; ++at) {
          body(static_cast<std::uint32_t>(i), items[at]);
        }
      }
    };
    each([&](std::uint32_t i, std::uint32_t item) {
      starts[item + 1] += last[item] != i ? 1U : 0U;
      last[item] = i;
    });
    for (std::size_t item = 0; item < distinct; ++item) starts[item + 1] += starts[item];
    postings.resize(starts[distinct]);
    std::vector<std::size_t> next(starts.begin(), starts.end() - 1);
    each([&](std::uint32_t i, std::uint32_t item) {
      if (next[item] == starts[item] || postings[next[item] - 1].text != i) {
        postings[next[item]++].text = i;
      }
      ++postings[next[item] - 1].count;
    });
  }

  // [n * n], the upper triangle and the diagonal: sums over shared items of product(count, count).
  template <typename Product>
  [[nodiscard]] std::vector<std::uint64_t> Products(std::size_t n, Product&& product) const {
    std::vector<std::uint64_t> out(n * n);
    for (std::size_t item = 0; item + 1 < starts.size(); ++item) {
      for (std::size_t x = starts[item]; x < starts[item + 1]; ++x) {
        std::uint64_t* const row = out.data() + postings[x].text * n;
        for (std::size_t y = x; y < starts[item + 1]; ++y) {
          row[postings[y].text] += product(postings[x].count, postings[y].count);
        }
      }
    }
    return out;
  }
};

// Fills a symmetric matrix from value(i, j) for i < j.
template <typename Value>
std::vector<double> Symmetric(std::size_t n, Value&& value) {
  std::vector<double> out(n * n, 1.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) out[i * n + j] = out[j * n + i] = value(i, j);
  }
  return out;
}

}  // namespace

WordBags::WordBags(std::span<const std::string_view> texts) {
  Interner interner;
  std::string word;
  starts_.reserve(texts.size() + 1);
  starts_.push_back(0);
  for (const std::string_view text : texts) {
    ForEachWord(text, word, [&](const Key& key) { words_.push_back(interner.Number(key)); });
    starts_.push_back(words_.size());
  }
  vocabulary_ = interner.size();
}

std::vector<double> WordBags::Jaccard(std::size_t length) const {
  std::vector<std::uint32_t> shingles;
  std::vector<std::size_t> starts;
  std::size_t distinct = vocabulary_;
  if (length > 1) {
    Interner interner;
    starts.push_back(0);
    for (std::size_t i = 0; i < size(); ++i) {
      const std::span<const std::uint32_t> all = words(i);
      const std::size_t width = std::min(length, all.size());
      for (std::size_t at = 0; width > 0 && at + width <= all.size(); ++at) {
        shingles.push_back(
            interner.Number(KeyOf({reinterpret_cast<const char*>(all.data() + at), width * 4})));
      }
      starts.push_back(shingles.size());
    }
    distinct = interner.size();
  }
  const Postings postings(length > 1 ? shingles : words_, length > 1 ? starts : starts_, distinct);
  const std::vector<std::uint64_t> shared =
      postings.Products(size(), [](std::uint32_t, std::uint32_t) { return 1U; });
  const std::size_t n = size();
  return Symmetric(n, [&](std::size_t i, std::size_t j) {
    const std::uint64_t both = shared[i * n + j];
    const std::uint64_t all = shared[i * n + i] + shared[j * n + j] - both;
    return all == 0 ? 1.0 : static_cast<double>(both) / static_cast<double>(all);
  });
}

std::vector<double> WordBags::Cosine() const {
  const Postings postings(words_, starts_, vocabulary_);
  const std::size_t n = size();
  const std::vector<std::uint64_t> dots =
      postings.Products(n, [](std::uint32_t x, std::uint32_t y) { return std::uint64_t{x} * y; });
  return Symmetric(n, [&](std::size_t i, std::size_t j) {
    const auto a = static_cast<double>(dots[i * n + i]);
    const auto b = static_cast<double>(dots[j * n + j]);
    if (a == 0 || b == 0) return a == b ? 1.0 : 0.0;
    return std::min(1.0, static_cast<double>(dots[i * n + j]) / std::sqrt(a * b));
  });
}

}  // namespace assay::text
