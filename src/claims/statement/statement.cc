#include <cmath>
#include <utility>

#include "assay/text/segment.h"

#include "statement/statement_internal.h"

namespace assay::claims::internal {
namespace {

void AddTokens(Statement& statement, std::span<const text::Span> spans,
               std::span<const std::uint32_t> ids, const WordTable& words) {
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const Word& word = words.word(ids[i]);
    Token token;
    token.span = spans[i];
    token.word = ids[i];
    token.stem = word.stem;
    token.rarity = word.rarity;
    token.flags = word.flags;
    const char first = statement.text[spans[i].begin];
    token.capitalized = i > 0 && first >= 'A' && first <= 'Z';
    token.negated = text::IsNegated(statement.cues, static_cast<std::uint32_t>(i));
    if (!token.is(kWordStop)) {
      statement.content.push_back(static_cast<std::uint32_t>(i));
      statement.content_rarity += token.rarity;
    }
    statement.tokens.push_back(token);
  }
}

void MarkQuantities(Statement& statement) {
  for (std::size_t q = 0; q < statement.quantities.size() && q < 32767; ++q) {
    const text::Span span = statement.quantities[q].span;
    for (Token& token : statement.tokens) {
      if (token.span.begin < span.end && token.span.end > span.begin) {
        token.quantity = static_cast<std::int16_t>(q);
      }
    }
  }
}

void AddMean(Statement& statement, const WordTable& words) {
  statement.mean.assign(words.dim(), 0);
  for (const Token& token : statement.tokens) {
    const std::span<const float> vector = words.vector(token.word);
    for (std::size_t d = 0; d < vector.size(); ++d) statement.mean[d] += token.rarity * vector[d];
  }
  const float length = std::sqrt(Dot(statement.mean, statement.mean));
  if (length <= 0) return;
  for (float& component : statement.mean) component /= length;
}

}  // namespace

text::Comparison CompareStated(const text::Quantity& claim, const text::Quantity& evidence) {
  const bool is_plain =
      claim.kind == text::QuantityKind::kMoney || claim.kind == text::QuantityKind::kCount;
  if (!is_plain || evidence.per == text::Dimension::kNone || claim.per != text::Dimension::kNone) {
    return text::Compare(claim, evidence);
  }
  text::Quantity amount = evidence;
  amount.per = text::Dimension::kNone;
  amount.value = evidence.written;
  amount.value_high = evidence.written_high;
  return text::Compare(claim, amount);
}

bool QuantityMatches(const text::Quantity& claim, const text::Quantity& evidence) {
  const text::Comparison comparison = CompareStated(claim, evidence);
  if (comparison == text::Comparison::kWithin) return !(claim.is_range && evidence.is_range);
  return comparison == text::Comparison::kEqual || comparison == text::Comparison::kRoundedEqual;
}

std::vector<char> MatchQuantities(const Statement& claim, const Statement& evidence) {
  std::vector<char> matches;
  for (const text::Quantity& mine : claim.quantities) {
    for (const text::Quantity& other : evidence.quantities) {
      matches.push_back(QuantityMatches(mine, other) ? char{1} : char{0});
    }
  }
  return matches;
}

Result<Statement> ReadStatement(std::string text, WordTable& words) {
  Statement statement;
  if (text.size() > kMaxStatementBytes) {
    std::size_t end = kMaxStatementBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
  }
  statement.text = std::move(text);
  std::vector<text::Span> spans;
  text::SplitWords(statement.text, spans);
  std::vector<std::uint32_t> ids;
  ASSAY_TRY(words.Intern(statement.text, spans, ids));
  text::FindCues(statement.text, spans, statement.cues);
  text::FindNames(statement.text, spans, statement.names);
  text::ExtractQuantities(statement.text, statement.quantities);
  AddTokens(statement, spans, ids, words);
  MarkQuantities(statement);
  AddMean(statement, words);
  ReadFields(statement);
  return statement;
}

}  // namespace assay::claims::internal
