// The words of TOML 1.0: keys, strings, numbers, dates.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "parse_internal.h"

namespace assay::config::toml {

// Walks over a text of valid UTF-8. A function that returns false has noted what is wrong and
// where; nothing may be read after that.
class Scanner {
 public:
  explicit Scanner(const Source& source) : source_(source), text_(source.text) {}

  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool AtEnd() const { return at_ >= text_.size(); }
  // The byte `ahead` of the next one; '\0', which no text holds where it matters, behind the end.
  [[nodiscard]] char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void Skip(std::size_t count = 1) { at_ += count; }
  // Goes over `c` where it is next.
  bool Take(char c) {
    if (Peek() != c || AtEnd()) return false;
    ++at_;
    return true;
  }

  bool Bad(std::size_t at, std::string problem);
  [[nodiscard]] std::unexpected<Error> TakeError() const {
    return source_.Refuse(problem_at_, problem_);
  }

  [[nodiscard]] std::uint32_t LineOf(std::uint32_t offset) const {
    return LineCounter(text_).At(offset).line;
  }

  // Spaces and tabs.
  void SkipSpace() {
    while (Peek() == ' ' || Peek() == '\t') ++at_;
  }
  // White space, line ends and comments.
  [[nodiscard]] bool SkipBlank();
  // What may stand behind a value or a header: white space, a comment, and a line end or the end.
  [[nodiscard]] bool EndLine();

  // A key without its dots: bare or in quotes.
  [[nodiscard]] bool ReadKey(std::string_view& key);
  // A value that is neither a list nor a table.
  [[nodiscard]] bool ReadScalar(Value& value);

 private:
  [[nodiscard]] bool SkipComment();
  [[nodiscard]] bool ReadString(std::string_view& string, bool may_span_lines);
  [[nodiscard]] bool ReadOneLine(std::string_view& string, char quote);
  [[nodiscard]] bool ReadManyLines(std::string_view& string, char quote);
  [[nodiscard]] bool Unescape(std::size_t begin, std::size_t end, std::string_view& string);
  [[nodiscard]] bool UnescapeOne(std::size_t& at, std::size_t end, char*& out);
  [[nodiscard]] bool CheckCharacter(std::size_t at, bool many_lines);
  [[nodiscard]] bool ReadNumber(Value& value);
  [[nodiscard]] bool ReadInteger(std::string_view word, int base, Value& value);
  [[nodiscard]] bool ReadFloat(std::string_view word, Value& value);
  [[nodiscard]] bool ReadTemporal(Value& value);
  [[nodiscard]] bool ReadDate();
  [[nodiscard]] bool ReadTime();
  [[nodiscard]] bool ReadOffset();
  // `digits` digits as a number from `low` to `high`.
  [[nodiscard]] bool ReadField(int digits, int low, int high, int& field);

  const Source& source_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::string scratch_;  // a number without its underscores
  std::size_t problem_at_ = 0;
  std::string problem_;
};

}  // namespace assay::config::toml
