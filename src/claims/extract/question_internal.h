// What a question asks, as the beginning of a statement that a short answer completes.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "extract/sentence_internal.h"

namespace assay::claims {

// "When must lost devices be reported?" with "Within 24 hours." says "Lost devices must be reported
// within 24 hours." Word order and inflection are good enough for comparison, not for display.
class QuestionFrame {
 public:
  // The last question of `question`, or all of it where nothing ends in a question mark. O(words).
  explicit QuestionFrame(std::string_view question);

  // Whether there is anything to complete.
  [[nodiscard]] bool empty() const { return before_.empty() && after_.empty(); }

  // The statement that the fragment (plain text, its full stop included or not) makes.
  [[nodiscard]] std::string Complete(std::string_view fragment) const;

  // Whom or what the question is about ("lost devices"); empty where it does not name it.
  [[nodiscard]] const std::string& subject() const { return subject_; }

 private:
  void Read(const SentenceView& view);
  void ReadSubjectQuestion(const SentenceView& view, std::size_t verb);
  void ReadOther(const SentenceView& view, std::size_t auxiliary);
  [[nodiscard]] std::string AskedNoun(const SentenceView& fragment) const;

  std::string before_;              // stands before the fragment
  std::string after_;               // stands behind it
  std::string negated_;             // of a question for yes or no: `before_` with "not"
  std::string subject_;             // see subject()
  std::string preposition_;         // "from" of "From which day"
  std::vector<std::string> asked_;  // words of "days of leave" in "How many days of leave"
  bool yes_or_no_ = false;
};

// Whether the sentence lacks the verb of a statement: "Within 24 hours.", "Yes.", "27 days."
[[nodiscard]] bool IsFragment(const SentenceView& sentence);

}  // namespace assay::claims
