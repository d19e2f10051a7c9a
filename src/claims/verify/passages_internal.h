// What a claim is compared with: the sentences of passages, read once and kept between claims.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "assay/claims/verdict.h"
#include "assay/core/result.h"
#include "assay/corpus/analysis.h"
#include "assay/corpus/index.h"

#include "statement/statement_internal.h"

namespace assay::claims::internal {

// A row of the pool and where it stands.
struct Row {
  const Statement* statement = nullptr;
  std::uint32_t passage = 0;
  std::uint32_t sentence = 0;
  bool is_heading = false;
};

// Sentences of the retrieved passages, then their headings.
struct Pool {
  std::vector<Row> rows;
  std::vector<const Statement*> statements;  // of the rows
  std::vector<std::uint32_t> headings;       // of each sentence: its heading's row, or its own
};

class PassageReader {
 public:
  PassageReader(std::shared_ptr<const corpus::Index> index, const embed::Encoder* word_encoder)
      : index_(std::move(index)), words_(word_encoder) {}

  // Rows without a word are left out. The pool points into the reader until Clear. Errors: those
  // of the encoder.
  [[nodiscard]] Result<Pool> PoolOf(std::span<const std::uint32_t> passages);
  [[nodiscard]] Result<Statement> ReadClaim(std::string_view claim);
  [[nodiscard]] Evidence EvidenceOf(const Row& row, float score) const;

  // Whether so much is kept that Clear is due, which invalidates every pool.
  [[nodiscard]] bool IsFull() const;
  void Clear();

  [[nodiscard]] const corpus::Index& index() const { return *index_; }
  [[nodiscard]] const WordTable& words() const { return words_; }

 private:
  Result<std::span<const Statement>> StatementsOf(std::uint32_t passage, std::uint32_t sentence);
  Result<const Statement*> HeadingOf(std::string_view heading);
  void MarkCommon(Statement& claim);

  std::shared_ptr<const corpus::Index> index_;
  WordTable words_;
  corpus::Analyzer analyzer_;
  // By passage and sentence; a long record is several statements.
  std::unordered_map<std::uint64_t, std::vector<Statement>> statements_;
  std::unordered_map<std::string, Statement> headings_;
};

}  // namespace assay::claims::internal
