#include <algorithm>
#include <array>
#include <string>

#include "assay/text/cues.h"

#include "statement/words_internal.h"

namespace assay::claims::internal {
namespace {

// Function words, auxiliaries and the connectives that answers are glued together with.
constexpr std::string_view kStopWords =
    " a an the and or but nor so yet if then than that this these those it its they them their he "
    "she him her his hers you your yours we us our i me my mine who whom whose which what when "
    "where why how is am are was were be been being do does did done have has had having will "
    "would shall should can could may might must of in on at by for with from to into onto over "
    "under about as up down out off above below between through during before after again once "
    "here there all any both each few more most other some such only own same too very just also "
    "not no yes s t now there's it's one however additionally moreover furthermore while although "
    "though because since due per via including include includes included based provided given "
    "according overall summary passage article text information data structured following don't "
    "get gets got doesn't didn't isn't aren't wasn't weren't won't wouldn't can't cannot ";

constexpr std::string_view kNumberWords =
    " zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
    "hundred thousand million billion dozen half third fourth fifth ";

constexpr std::string_view kHedges =
    " may might could appears appear seems seem likely possibly suggests suggest perhaps "
    "potentially generally often typically can ";

constexpr std::string_view kNegations =
    " not no never none neither nor without cannot unable lack lacks lacking unavailable ";

constexpr std::array<std::string_view, 12> kDerivedEndings = {
    "ly", "ous", "ful", "ive", "able", "ible", "ent", "ant", "ic", "al", "less", "ish"};

bool Lists(std::string_view list, std::string_view word) {
  std::size_t at = 0;
  while ((at = list.find(word, at)) != std::string_view::npos) {
    if (at > 0 && list[at - 1] == ' ' && list[at + word.size()] == ' ') return true;
    ++at;
  }
  return false;
}

std::string LowerCase(std::string_view word) {
  std::string lower(word);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  // A typographic apostrophe is an apostrophe.
  for (std::size_t at; (at = lower.find("\xE2\x80\x99")) != std::string::npos;) {
    lower.replace(at, 3, "'");
  }
  return lower;
}

std::uint8_t FlagsOf(std::string_view lower) {
  std::uint8_t flags = 0;
  const auto set = [&flags](bool condition, WordFlag flag) {
    if (condition) flags = static_cast<std::uint8_t>(flags | flag);
  };
  const bool digits = lower[0] >= '0' && lower[0] <= '9';
  set(digits, kWordDigits);
  set(Lists(kStopWords, lower) || (lower.size() == 1 && !digits), kWordStop);
  set(Lists(kNumberWords, lower), kWordNumber);
  set(Lists(kHedges, lower), kWordHedge);
  set(Lists(kNegations, lower) || lower.ends_with("n't"), kWordNegation);
  set(std::ranges::any_of(kDerivedEndings, [lower](auto end) { return lower.ends_with(end); }),
      kWordDerived);
  return flags;
}

}  // namespace

float Dot(std::span<const float> a, std::span<const float> b) {
  std::array<float, 8> sums{};
  std::size_t i = 0;
  for (; i + 8 <= a.size(); i += 8) {
    for (std::size_t k = 0; k < 8; ++k) sums[k] += a[i + k] * b[i + k];
  }
  for (; i < a.size(); ++i) sums[0] += a[i] * b[i];
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

WordTable::WordTable(const embed::Encoder* encoder)
    : encoder_(encoder), dim_(encoder == nullptr ? 0 : encoder->dim()) {}

void WordTable::Clear() {
  ids_.clear();
  stems_.clear();
  words_.clear();
  spellings_.clear();
  vectors_.clear();
}

std::span<const float> WordTable::vector(std::uint32_t id) const {
  return std::span<const float>(vectors_).subspan(id * dim_, dim_);
}

float WordTable::Similarity(std::uint32_t a, std::uint32_t b) const {
  if (words_[a].stem == words_[b].stem) return 1;
  return Dot(vector(a), vector(b));
}

std::uint32_t WordTable::StemId(std::string_view lower_case) {
  std::string stem(lower_case);
  if (stem.ends_with("'s")) stem.resize(stem.size() - 2);
  if (stem.ends_with("'")) stem.resize(stem.size() - 1);
  std::string lemma(stem.size() + 4, '\0');
  lemma.resize(text::Lemma(stem, lemma));
  return stems_
      .emplace(text::PorterStem(std::move(lemma)), static_cast<std::uint32_t>(stems_.size()))
      .first->second;
}

Result<void> WordTable::Intern(std::string_view text, std::span<const text::Span> words,
                               std::vector<std::uint32_t>& ids) {
  const std::size_t first_new = words_.size();
  for (const text::Span& span : words) {
    const auto [it, is_new] =
        ids_.emplace(LowerCase(span.of(text)), static_cast<std::uint32_t>(words_.size()));
    if (is_new) {
      const std::string& lower = it->first;
      words_.push_back({StemId(lower), text::RarityOf(lower), FlagsOf(lower)});
      spellings_.push_back(&lower);
    }
    ids.push_back(it->second);
  }
  if (encoder_ == nullptr || first_new == words_.size()) return {};
  std::vector<std::string_view> texts;
  for (std::size_t i = first_new; i < words_.size(); ++i) texts.push_back(*spellings_[i]);
  vectors_.resize(words_.size() * dim_);
  return encoder_->Encode(texts, std::span<float>(vectors_).subspan(first_new * dim_));
}

}  // namespace assay::claims::internal
