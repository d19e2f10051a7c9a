// Reads an answer from left to right and hands out what cannot change any more. Extract() and
// ExtractorStream run the same machine, and every decision depends on the bytes up to one point
// only, never on how they came: that is why streamed and whole results are equal.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "assay/claims/extractor.h"

#include "extract/question_internal.h"
#include "extract/references_internal.h"
#include "extract/sentence_internal.h"

namespace assay::claims {

class AnswerMachine {
 public:
  explicit AnswerMachine(const ExtractorOptions& options)
      : options_(options), question_(options.question) {}

  void Feed(std::string_view bytes, Extraction& out);
  void Finish(Extraction& out);

 private:
  void Scan(Extraction& out);
  bool TryCommit(std::size_t end, Extraction& out);
  [[nodiscard]] std::size_t RestartPoint() const;
  void Take(std::string_view segment, std::size_t sentences, Extraction& out);
  void TakeSentence(std::string_view bytes, const text::Sentence& sentence, bool opens_block,
                    Extraction& out);
  [[nodiscard]] bool CompletesQuestion(const ExtractedSentence& sentence) const;
  void MakeAnswerClaim(const ExtractedSentence& sentence, std::vector<Claim>& claims);
  void ResolveByQuestion();
  void MakeClaims(const ExtractedSentence& sentence, std::vector<Claim>& claims);
  void Assemble(const Piece& piece, bool whole, std::string& out) const;
  void AppendResolved(text::Span span, std::string& out) const;
  void JoinLeadIn(std::string& claim) const;
  void UpdateLeadIn(const SentenceView& sentence);

  ExtractorOptions options_;
  QuestionFrame question_;
  bool answers_ = true;  // every sentence so far only completes the question
  std::string buffer_;   // bytes [base_, base_ + size) of the answer
  std::uint64_t base_ = 0;
  std::size_t segment_ = 0;    // begin of what is not handed out, in the buffer
  std::size_t scanned_ = 0;    // bytes of the buffer that were looked at
  std::size_t threshold_ = 0;  // no new try before the segment has this many bytes
  bool in_word_ = false;
  bool ended_ = false;      // a terminator or line end came before the current word
  bool word_ends_ = false;  // the current word holds a terminator
  std::uint32_t sentence_index_ = 0;
  std::string lead_in_;
  Discourse discourse_;

  // Reused between sentences.
  SentenceView view_;
  std::vector<text::Sentence> sentences_;
  std::vector<Replacement> replacements_;
  std::vector<Piece> pieces_;
  std::vector<Feature> features_;
};

}  // namespace assay::claims
