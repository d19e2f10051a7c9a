// Word lists about questions: what means the same, what excludes one another, what carries no
// topic.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace assay::cache::internal {

inline constexpr std::size_t kMaxGroups = 4;  // of one word
inline constexpr std::size_t kMaxPhraseWords = 4;

struct GroupList {
  std::array<std::uint16_t, kMaxGroups> ids = {};  // 0: none
  bool operator==(const GroupList&) const = default;
};

// The groups of a word or phrase in lower case (words joined by one space); none: all zero.
[[nodiscard]] GroupList GroupsOf(std::string_view words);
// The first member of a group. Requires: a number that GroupsOf gave.
[[nodiscard]] std::string_view HeadOf(std::uint16_t group);
[[nodiscard]] bool Share(std::span<const std::uint16_t> a, std::span<const std::uint16_t> b);

// What a word (lower case, as written or in dictionary form) excludes by the lists of this folder.
struct Exclusions {
  struct Member {
    int set = 0;
    int place = 0;
  };
  std::string_view word;  // of the lists; empty: it excludes nothing
  std::span<const std::string_view> opposites;
  std::span<const Member> sets;  // that the word is a member of
};
[[nodiscard]] Exclusions ExclusionsOf(std::string_view word);
// Whether two words exclude one another: opposites, or two members of one set.
[[nodiscard]] bool ExcludeEachOther(const Exclusions& a, const Exclusions& b);

// 0 for articles, pronouns, auxiliaries, prepositions and what only dresses a question ("the best
// way to"); 0.3 for light verbs; 1 otherwise.
[[nodiscard]] float WeightOf(std::string_view lower);

// The word in lower case, typographic apostrophes as "'".
[[nodiscard]] std::string LowerCase(std::string_view word);
// Its dictionary form.
[[nodiscard]] std::string LemmaOf(std::string_view lower);

}  // namespace assay::cache::internal
