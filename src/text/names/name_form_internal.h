// A name in the form in which names are compared.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "cues/lexicon_internal.h"

namespace assay::text {

// What a lower-case word is known as. Flags add up.
enum NameWord : std::uint32_t {
  kWordTitle = 1,
  kWordFemaleTitle = 2,
  kWordMaleTitle = 4,
  kWordCalendar = 8,
  kWordFunction = 16,
  kWordMaleGiven = 32,
  kWordFemaleGiven = 64,
  kWordPlace = 128,
  kWordPlaceNoun = 256,
  kWordOrganisation = 512,
  kWordCompanySuffix = 1024,
  kWordSplitter = 2048,
  kWordSmall = 4096,
  kWordCommon = 8192,
};

// Flags of a lower-case ASCII word; 0 where it stands in no list.
[[nodiscard]] std::uint32_t NameWordFlags(std::string_view lower);

// Folded words of a name without title, article, possessive and company suffix. Names past the
// capacity are cut; two that agree so far count as equal.
class NameForm {
 public:
  static constexpr std::size_t kMaxWords = 16;

  NameForm() = default;
  explicit NameForm(std::string_view name);

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] std::string_view word(std::size_t i) const {
    return {bytes_.data() + starts_[i], static_cast<std::size_t>(ends_[i] - starts_[i])};
  }
  [[nodiscard]] std::string_view joined() const {
    return count_ == 0
               ? std::string_view{}
               : std::string_view(bytes_.data() + starts_[0], ends_[count_ - 1] - starts_[0]);
  }
  [[nodiscard]] bool acronym() const { return acronym_; }
  [[nodiscard]] bool has_digit() const { return has_digit_; }

 private:
  void Read(std::string_view name);
  void Put(char c);
  void EndWord();
  void MergeInitials();
  void DropEdges();
  void ReplaceAlias();

  std::array<char, 192> bytes_{};
  std::array<std::uint8_t, kMaxWords> starts_{};
  std::array<std::uint8_t, kMaxWords> ends_{};
  std::uint8_t size_ = 0;
  std::uint8_t count_ = 0;
  bool open_ = false;
  bool acronym_ = false;
  bool has_digit_ = false;
};

[[nodiscard]] bool SameForm(const NameForm& a, const NameForm& b);

}  // namespace assay::text
