// The class behind ParseQuickly; quick.cc has the blocks, quick_scalar.cc the scalars and the flow
// forms. A function that returns false is not sure: nothing may be read after that.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "parse_internal.h"

namespace assay::config::yaml {

class QuickReader {
 public:
  explicit QuickReader(const Source& source)
      : source_(source),
        text_(source.text),
        budget_(source.options),
        stack_(source.arena, source.options.allow_duplicate_keys),
        max_depth_(source.options.max_depth) {}

  [[nodiscard]] bool Read(Value& root);

 private:
  // Columns and indentations count from 0; the parent of the root is -1.
  using Column = std::ptrdiff_t;
  static constexpr std::size_t kLongestKeyBytes = 1024;  // characters in YAML 1.2, 7.4.2

  [[nodiscard]] bool AtEnd() const { return at_ >= text_.size(); }
  [[nodiscard]] char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] Column column() const { return static_cast<Column>(at_ - line_start_); }
  [[nodiscard]] std::uint32_t offset() const { return static_cast<std::uint32_t>(at_); }
  // A space, a line end or the end.
  [[nodiscard]] bool IsBlankAt(std::size_t at) const {
    return at >= text_.size() || text_[at] == ' ' || text_[at] == '\n';
  }
  [[nodiscard]] bool AtDash() const { return Peek() == '-' && IsBlankAt(at_ + 1); }
  [[nodiscard]] bool AtMarker() const;

  // quick.cc
  // Goes over white space and comments to the next token; line_start_ tells whether a line began.
  [[nodiscard]] bool NextToken();
  // The same, behind a value: the token must stand in another line.
  [[nodiscard]] bool EndLine();
  // Every Read...() of a block ends at the token behind the value, or at the end.
  // `own_line`: block lists and maps may begin here.
  [[nodiscard]] bool ReadNode(Column parent, std::size_t depth, bool own_line, Value& value);
  [[nodiscard]] bool ReadSequence(std::size_t depth, Value& value);
  [[nodiscard]] bool ReadMapping(std::size_t depth, Value& value);
  [[nodiscard]] bool ReadKey(std::string_view& key);
  [[nodiscard]] bool ReadMember(Column indent, std::size_t depth, Value& value);
  // Whether a key stands here: a scalar in one line with a ':' behind it.
  [[nodiscard]] bool AtKey();

  // quick_scalar.cc
  // Where the plain scalar that begins or goes on at `at` ends in its line, without final spaces.
  [[nodiscard]] bool FindPlainEnd(std::size_t at, bool flow, std::size_t& end);
  [[nodiscard]] bool MayBeginPlain() const;
  [[nodiscard]] bool ReadPlain(Column parent, Value& value);
  [[nodiscard]] bool ReadPlainLines(Column parent, std::size_t end, Value& value);
  // `parent` bounds the indentation of further lines; without `lines` there may be none.
  [[nodiscard]] bool ReadQuoted(Column parent, bool lines, std::string_view& string);
  [[nodiscard]] bool FindQuotedEnd(std::size_t& end, bool& simple, bool& folded) const;
  [[nodiscard]] bool Unquote(Column parent, std::size_t end, char quote);
  [[nodiscard]] bool Fold(Column parent, std::size_t& at, std::size_t end);
  [[nodiscard]] bool Unescape(std::size_t& at, std::size_t end);
  [[nodiscard]] bool ReadBlockScalar(Column parent, Value& value);
  [[nodiscard]] bool ReadBlockHeader(bool& folded, char& chomping);
  [[nodiscard]] bool FindIndent(Column parent, std::size_t& indent) const;
  [[nodiscard]] bool ReadBlockLines(Column parent, std::size_t indent, bool folded,
                                    std::size_t& breaks);
  [[nodiscard]] bool ReadFlow(Column parent, std::size_t depth, Value& value);
  [[nodiscard]] bool ReadFlowSequence(Column parent, std::size_t depth, Value& value);
  [[nodiscard]] bool ReadFlowMapping(Column parent, std::size_t depth, Value& value);
  [[nodiscard]] bool ReadFlowKey(std::string_view& key);
  [[nodiscard]] bool SkipFlowSpace(Column parent);

  [[nodiscard]] bool Count(std::size_t depth) { return budget_.Fits(depth); }

  const Source& source_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  Budget budget_;
  TreeStack stack_;
  std::size_t max_depth_;
  std::string scratch_;  // a scalar that is not written as it is read
};

}  // namespace assay::config::yaml
