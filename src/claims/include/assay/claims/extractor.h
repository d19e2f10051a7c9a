// assay/claims/extractor.h: from an answer to the claims in it.
// Room: claims (uses core, text).  Threads: an Extractor is immutable and may be shared; one
// ExtractorStream is used by one thread at a time.
// Method: sentence by sentence, left to right. Patterns decide the kind first; a logistic
// regression over hashed words and cue counts (models/claim_detection) scores how check-worthy the
// rest is. Splitting is by clause rules and never adds a statement that the sentence does not make:
// where a rule is not sure, the sentence stays whole.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/text/span.h"

namespace assay::claims {

// Claims come from kFactual and kHedge only.
enum class SentenceKind : std::uint8_t {
  kFactual,      // states something checkable
  kOpinion,      // states nothing checkable: taste, wish, greeting, lead-in, heading
  kQuestion,     // "Do you need more?"
  kInstruction,  // "Click on Save."
  kHedge,        // "It may take up to 3 days": checkable, but said with reserve
  kCode,         // a fenced block
};

// "factual", "opinion", "question", "instruction", "hedge", "code".
[[nodiscard]] std::string_view KindName(SentenceKind kind);

struct Claim {
  text::Span span;             // bytes of the answer that make the claim
  std::string text;            // self-contained: pronouns replaced, a list item with its lead-in
  std::uint32_t sentence = 0;  // index of its sentence, counted from the answer's first
};

struct ExtractedSentence {
  text::Span span;  // bytes of the answer
  SentenceKind kind = SentenceKind::kOpinion;
  float check_worthiness = 0;  // [0, 1], how much it is worth checking; 0 where no claims are made
  std::vector<Claim> claims;   // in the order of their spans, which lie inside `span`
};

// Everything in order. Same answer, same result: whole, in a batch or streamed.
using Extraction = std::vector<ExtractedSentence>;

struct ExtractorOptions {
  bool split_clauses = true;     // false: one claim a sentence
  bool resolve_pronouns = true;  // false: claims keep their pronouns
  // A list item is judged with its lead-in ("Benefits include:" + "30 days of leave").
  bool join_list_items = true;
  // What was asked. Where the answer begins with pieces that are no sentences ("Within 24 hours."),
  // their claims are completed from it, and an opening pronoun stands for what it asks about.
  std::string question = {};
};

class Extractor {
 public:
  explicit Extractor(ExtractorOptions options = {});

  // Whole answer, plain text or Markdown, UTF-8 (invalid bytes count as letters), at most 4 GiB - 1
  // (what lies beyond is ignored). O(bytes) time; about 100 bytes of memory a sentence beside the
  // claims' text. Never fails: what is not understood is one claim a sentence, unchanged.
  [[nodiscard]] Extraction Extract(std::string_view answer) const;

  // One result an answer, equal to Extract of each; spreads over `threads` threads (0: all cores).
  [[nodiscard]] std::vector<Extraction> ExtractBatch(std::span<const std::string_view> answers,
                                                     unsigned threads = 1) const;

  [[nodiscard]] const ExtractorOptions& options() const { return options_; }

 private:
  ExtractorOptions options_;
};

// An answer that is still being written. Sentences come out as soon as they cannot change, which is
// one word after their end; nothing depends on where the bytes are cut.
class ExtractorStream {
 public:
  explicit ExtractorStream(const Extractor& extractor);
  ~ExtractorStream();
  ExtractorStream(ExtractorStream&&) noexcept;
  ExtractorStream& operator=(ExtractorStream&&) noexcept;

  // Takes the next bytes and appends the sentences that are finished with them. Spans count from
  // the answer's first byte. Keeps no more of the text than what is not finished yet.
  void Feed(std::string_view bytes, Extraction& out);

  // The end of the answer: appends the rest and starts over for a new answer.
  void Finish(Extraction& out);

 private:
  class Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace assay::claims
