#include <algorithm>

#include "verify/passages_internal.h"

namespace assay::claims::internal {
namespace {

constexpr std::size_t kMaxKeptStatements = 50000;  // about 100 MB
constexpr std::size_t kMaxKeptWords = 200000;      // about 250 MB with vectors

}  // namespace

bool PassageReader::IsFull() const {
  return statements_.size() >= kMaxKeptStatements || words_.size() >= kMaxKeptWords;
}

void PassageReader::Clear() {
  statements_.clear();
  headings_.clear();
  words_.Clear();
}

Result<std::span<const Statement>> PassageReader::StatementsOf(std::uint32_t passage,
                                                               std::uint32_t sentence) {
  const std::uint64_t key = (static_cast<std::uint64_t>(passage) << 32) | sentence;
  if (const auto it = statements_.find(key); it != statements_.end()) return it->second;
  const corpus::PassageSentence place = index_->sentence(passage, sentence);
  const std::string_view text = place.text.of(index_->passage(passage).text);
  std::vector<std::string> parts;
  if (place.block == text::BlockKind::kTableRow) parts = SplitRecord(text);
  if (parts.empty()) parts.emplace_back(text);
  std::vector<Statement> read;
  for (std::string& part : parts) {
    ASSAY_ASSIGN(Statement statement, ReadStatement(std::move(part), words_));
    if (!statement.tokens.empty()) read.push_back(std::move(statement));
  }
  return statements_.emplace(key, std::move(read)).first->second;
}

Result<const Statement*> PassageReader::HeadingOf(std::string_view heading) {
  const std::string key(heading);
  if (const auto it = headings_.find(key); it != headings_.end()) return &it->second;
  ASSAY_ASSIGN(Statement statement, ReadStatement(key, words_));
  return &headings_.emplace(key, std::move(statement)).first->second;
}

Result<Pool> PassageReader::PoolOf(std::span<const std::uint32_t> passages) {
  Pool pool;
  std::vector<Row>& rows = pool.rows;
  for (const std::uint32_t id : passages) {
    const std::uint32_t count = index_->passage(id).sentence_count;
    for (std::uint32_t i = 0; i < count; ++i) {
      ASSAY_ASSIGN(const std::span<const Statement> read, StatementsOf(id, i));
      for (const Statement& statement : read) rows.push_back({&statement, id, i, false});
    }
  }
  const std::size_t sentences = rows.size();
  std::unordered_map<const Statement*, std::uint32_t> seen;
  std::unordered_map<std::uint32_t, std::uint32_t> heading_of;  // passage -> row
  for (const std::uint32_t id : passages) {
    const std::string_view heading = index_->passage(id).heading_path;
    if (heading.empty()) continue;
    ASSAY_ASSIGN(const Statement* statement, HeadingOf(heading));
    if (statement->tokens.empty()) continue;
    const auto [it, is_new] = seen.emplace(statement, static_cast<std::uint32_t>(rows.size()));
    if (is_new) rows.push_back({statement, id, 0, true});
    heading_of.emplace(id, it->second);
  }
  for (std::size_t i = 0; i < (sentences == 0 ? rows.size() : sentences); ++i) {
    const auto it = sentences == 0 ? heading_of.end() : heading_of.find(rows[i].passage);
    pool.headings.push_back(it == heading_of.end() ? static_cast<std::uint32_t>(i) : it->second);
  }
  for (const Row& row : rows) pool.statements.push_back(row.statement);
  return pool;
}

Evidence PassageReader::EvidenceOf(const Row& row, float score) const {
  const corpus::Passage passage = index_->passage(row.passage);
  Evidence evidence;
  evidence.file = passage.file;
  evidence.text = row.statement->text;
  evidence.score = std::clamp(score, 0.0F, 1.0F);
  const corpus::Source source =
      row.is_heading ? passage.source : index_->sentence(row.passage, row.sentence).source;
  evidence.bytes = source.bytes;
  evidence.line = source.line;
  evidence.page = source.page;
  return evidence;
}

// "Employees" in a staff handbook: what is said of them is not told apart by that word.
void PassageReader::MarkCommon(Statement& claim) {
  constexpr std::uint32_t kMinPassages = 10;  // fewer do not show what is common
  constexpr std::uint32_t kCommonPart = 5;    // in a fifth of the passages
  const corpus::Bm25View& terms = index_->bm25();
  if (terms.row_count < kMinPassages) return;
  for (Token& token : claim.tokens) {
    std::vector<std::string_view> analysed;
    analyzer_.Analyze(token.span.of(claim.text), analysed);
    const std::int64_t term = analysed.size() == 1 ? terms.Find(analysed[0]) : -1;
    token.common =
        term >= 0 &&
        terms.terms[static_cast<std::size_t>(term)].row_count * kCommonPart >= terms.row_count;
  }
}

Result<Statement> PassageReader::ReadClaim(std::string_view claim) {
  ASSAY_ASSIGN(Statement statement, ReadStatement(std::string(claim), words_));
  MarkCommon(statement);
  return statement;
}

}  // namespace assay::claims::internal
