#include "assay/text/wordpiece.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "assay/text/utf8.h"

#include "wordpiece/trie_builder_internal.h"
#include "wordpiece/word_hash_internal.h"

namespace assay::text {
namespace {

constexpr std::string_view kSuffixMark = "##";

}  // namespace

Result<void> WordPiece::ReadTokens(std::string_view vocabulary) {
  ASSAY_TRY(ValidateUtf8(vocabulary));
  offsets_.push_back(0);
  while (!vocabulary.empty()) {
    const std::size_t newline = vocabulary.find('\n');
    std::string_view token = vocabulary.substr(0, newline);
    if (token.ends_with('\r')) token.remove_suffix(1);
    if (token.empty()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("vocabulary line {} is empty", offsets_.size()));
    }
    tokens_.append(token);
    offsets_.push_back(static_cast<std::uint32_t>(tokens_.size()));
    vocabulary = newline == std::string_view::npos ? "" : vocabulary.substr(newline + 1);
  }
  return {};
}

Result<void> WordPiece::FindSpecialTokens() {
  const auto find = [this](std::string_view token, std::int32_t& id) -> Result<void> {
    const std::optional<std::int32_t> found = IdOf(token);
    if (!found) {
      return Fail(Code::kInvalidArgument, fmt::format("the vocabulary lacks {}", token));
    }
    id = *found;
    special_ids_.push_back(id);
    return {};
  };
  ASSAY_TRY(find("[PAD]", pad_id_));
  ASSAY_TRY(find("[UNK]", unk_id_));
  ASSAY_TRY(find("[CLS]", cls_id_));
  ASSAY_TRY(find("[SEP]", sep_id_));
  if (const auto mask = IdOf("[MASK]")) special_ids_.push_back(*mask);
  return {};
}

Result<WordPiece> WordPiece::FromVocabulary(std::string_view vocabulary) {
  WordPiece result;
  ASSAY_TRY(result.ReadTokens(vocabulary));
  std::vector<WordPieceTrieBuilder::Entry> words;
  std::vector<WordPieceTrieBuilder::Entry> suffixes;
  for (std::size_t i = 0; i < result.vocabulary_size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    const std::string_view token = result.TokenOf(id);
    if (token.starts_with(kSuffixMark) && token.size() > kSuffixMark.size()) {
      suffixes.emplace_back(token.substr(kSuffixMark.size()), id);
    } else {
      words.emplace_back(token, id);
    }
  }
  for (auto* list : {&words, &suffixes}) {
    std::ranges::sort(*list);
    const auto twin = std::ranges::adjacent_find(*list, {}, &WordPieceTrieBuilder::Entry::first);
    if (twin != list->end()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("vocabulary line {} repeats the token of line {}",
                              (twin + 1)->second + 1, twin->second + 1));
    }
  }
  WordPieceTrieBuilder builder(result.nodes_);
  builder.Add(kWordRoot, std::move(words));
  builder.Add(kSuffixRoot, std::move(suffixes));
  ASSAY_TRY(result.FindSpecialTokens());
  result.FillSlots();
  return result;
}

void WordPiece::FillSlots() {
  std::size_t words = 0;
  for (std::size_t i = 0; i < vocabulary_size(); ++i) {
    words += TokenOf(static_cast<std::int32_t>(i)).size() <= kShortWord ? 1U : 0U;
  }
  const std::size_t size = std::bit_ceil(words * 4 / 3 + 1);  // at most three quarters full
  slots_.assign(size, Slot{});
  slot_shift_ = 64 - std::countr_zero(size);
  // Vocabularies are sorted by frequency, so common words get their first place.
  for (std::size_t i = 0; i < vocabulary_size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    const std::string_view token = TokenOf(id);
    if (token.size() > kShortWord) continue;
    const ShortWord key = ShortWord::Of(token);
    std::size_t place = key.Hash() >> slot_shift_;
    while (slots_[place].id >= 0) place = (place + 1) & (size - 1);
    slots_[place] = {key.low, key.high, id};
  }
}

std::string_view WordPiece::TokenOf(std::int32_t id) const {
  const auto i = static_cast<std::size_t>(id);
  return std::string_view(tokens_).substr(offsets_[i], offsets_[i + 1] - offsets_[i]);
}

std::optional<std::int32_t> WordPiece::IdOf(std::string_view token) const {
  const bool suffix = token.starts_with(kSuffixMark) && token.size() > kSuffixMark.size();
  const std::int32_t id = suffix ? FindInTrie(kSuffixRoot, token.substr(kSuffixMark.size()))
                                 : FindInTrie(kWordRoot, token);
  if (id < 0) return std::nullopt;
  return id;
}

std::int32_t WordPiece::FindShortWord(std::uint64_t low, std::uint64_t high) const {
  std::size_t place = ShortWord{low, high}.Hash() >> slot_shift_;
  for (;;) {
    const Slot& slot = slots_[place];
    if (slot.id < 0 || (slot.low == low && slot.high == high)) return slot.id;
    place = (place + 1) & (slots_.size() - 1);
  }
}

std::int32_t WordPiece::FindInTrie(std::int32_t root, std::string_view word) const {
  std::int32_t node = root;
  for (const char c : word) {
    const std::int32_t child =
        nodes_[static_cast<std::size_t>(node)].base + static_cast<unsigned char>(c);
    if (nodes_[static_cast<std::size_t>(child)].parent != node) return -1;
    node = child;
  }
  return nodes_[static_cast<std::size_t>(node)].id;
}

// Greedy longest match. Writes the pieces' ids and returns their number; 0 where the word cannot be
// made of pieces.
std::size_t WordPiece::SplitLongest(std::string_view word, std::int32_t* pieces) const {
  std::size_t count = 0;
  std::size_t at = 0;
  while (at < word.size()) {
    std::int32_t node = at == 0 ? kWordRoot : kSuffixRoot;
    std::int32_t best = -1;
    std::size_t best_end = at;
    for (std::size_t i = at; i < word.size(); ++i) {
      const std::int32_t child =
          nodes_[static_cast<std::size_t>(node)].base + static_cast<unsigned char>(word[i]);
      const Node& next = nodes_[static_cast<std::size_t>(child)];
      if (next.parent != node) break;
      node = child;
      if (next.id >= 0) {
        best = next.id;
        best_end = i + 1;
      }
    }
    if (best < 0) return 0;
    pieces[count++] = best;
    at = best_end;
  }
  return count;
}

}  // namespace assay::text
