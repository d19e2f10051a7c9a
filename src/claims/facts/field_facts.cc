// Claims against records: a field that is false or null is evidence too, and so are opening hours.
#include <algorithm>
#include <array>
#include <bitset>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "facts/facts_internal.h"

namespace assay::claims::internal {
namespace {

using Weekdays = std::bitset<8>;  // 1 = Monday to 7; bit 0 unused

constexpr int kMinutesPerDay = 24 * 60;
// A nested field is meant by its own word only if that is rare ("romantic"); common ones ("street")
// need the word of the parent ("parking") in the sentence.
constexpr float kTellingRarity = 1.3F;

constexpr std::array<std::string_view, 8> kClauseWords = {
    "but", "while", "although", "though", "however", "whereas", "which", "except"};

// Clause number of every token: commas, semicolons and contrasting words begin a new one.
std::vector<std::uint32_t> ClausesOf(const Statement& claim) {
  std::vector<std::uint32_t> clauses(claim.tokens.size(), 0);
  std::uint32_t clause = 0;
  for (std::size_t i = 1; i < claim.tokens.size(); ++i) {
    const std::size_t gap_begin = claim.tokens[i - 1].span.end;
    const std::string_view gap =
        std::string_view(claim.text).substr(gap_begin, claim.tokens[i].span.begin - gap_begin);
    const bool breaks = gap.find_first_of(",;") != std::string_view::npos ||
                        std::ranges::find(kClauseWords, claim.word(i)) != kClauseWords.end();
    if (breaks) ++clause;
    clauses[i] = clause;
  }
  return clauses;
}

std::string Joined(std::string_view word) {
  std::string joined;
  for (const char c : word) {
    if (c == '-') continue;
    joined += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return joined;
}

struct Mention {
  std::uint32_t token = 0;
  bool denied = false;
};

class FieldReader {
 public:
  FieldReader(const FactInput& input, FeatureVector& features, Facts& facts)
      : input_(input), claim_(input.claim), f_(features), facts_(facts) {
    clauses_ = ClausesOf(claim_);
    for (std::size_t i = 0; i < claim_.tokens.size(); ++i)
      joined_.push_back(Joined(claim_.word(i)));
  }

  void Read(const Field& field, std::uint32_t row) {
    if (field.value == FieldValue::kText || field.value == FieldValue::kHours) return;
    if (!field.parent.empty() && field.key_rarity < kTellingRarity && !SaysAll(field.parent)) {
      return;
    }
    for (std::uint32_t clause = 0; clause <= (clauses_.empty() ? 0 : clauses_.back()); ++clause) {
      Mention mention;
      if (!FindMention(field, clause, mention)) continue;
      Count(field, mention, row);
    }
  }

 private:
  bool SaysAll(const std::vector<std::uint32_t>& stems) const {
    return std::ranges::all_of(stems, [this](std::uint32_t stem) {
      return std::ranges::find(claim_.tokens, stem, &Token::stem) != claim_.tokens.end();
    });
  }

  bool FindMention(const Field& field, std::uint32_t clause, Mention& mention) const {
    bool found = false;
    std::size_t stems = 0;
    for (std::uint32_t i = 0; i < clauses_.size(); ++i) {
      if (clauses_[i] != clause) continue;
      const Token& token = claim_.tokens[i];
      mention.denied = mention.denied || token.is(kWordNegation);
      const bool is_stem = std::ranges::find(field.key, token.stem) != field.key.end();
      const bool joins =
          joined_[i] == field.key_joined ||
          (i + 1 < joined_.size() && joined_[i] + joined_[i + 1] == field.key_joined);
      if (is_stem) ++stems;
      if (!found && (is_stem || joins)) mention.token = i;
      found = found || joins;
    }
    return found || stems >= field.key.size();
  }

  void Count(const Field& field, const Mention& mention, std::uint32_t row) {
    const bool holds = field.value == FieldValue::kTrue;
    if (field.value == FieldValue::kNull) {
      f_[mention.denied ? Feature::kFieldDeniedNull : Feature::kFieldNull] += 1;
      if (!mention.denied) AddFinding(field, mention, row, false);
    } else if (holds != mention.denied) {
      f_[Feature::kFieldAgrees] += 1;
    } else if (mention.denied) {
      f_[Feature::kFieldDenied] += 1;
      AddFinding(field, mention, row, true);
    } else {
      f_[field.parent.empty() ? Feature::kFieldFalse : Feature::kFieldPartFalse] += 1;
      AddFinding(field, mention, row, true);
    }
  }

  void AddFinding(const Field& field, const Mention& mention, std::uint32_t row, bool conflicts) {
    FactFinding finding;
    finding.kind = FactKind::kField;
    finding.conflicts = conflicts;
    finding.claim = claim_.tokens[mention.token].span;
    finding.claim_says = std::string(finding.claim.of(claim_.text));
    if (conflicts) finding.evidence_says = field.span.of(input_.pool[row]->text);
    finding.evidence = row;
    facts_.findings.push_back(std::move(finding));
  }

  const FactInput& input_;
  const Statement& claim_;
  FeatureVector& f_;
  Facts& facts_;
  std::vector<std::uint32_t> clauses_;
  std::vector<std::string> joined_;
};

struct HoursClaim {
  text::Span span;
  int open_minute = 0, close_minute = -1;  // -1: one time alone
  bool open_ambiguous = false, close_ambiguous = false;
};

struct HoursField {
  std::uint32_t row = 0;
  const Field* field = nullptr;
};

int MinuteOf(double seconds) {
  return static_cast<int>(std::lround(seconds / 60));
}

// Times of the claim; two with "to", "until", "and" or a dash between them are one opening.
std::vector<HoursClaim> HoursOf(const Statement& claim) {
  std::vector<HoursClaim> hours;
  std::size_t previous_end = 0;
  for (const text::Quantity& quantity : claim.quantities) {
    if (quantity.kind != text::QuantityKind::kTime) continue;
    const int minute = MinuteOf(quantity.value);
    if (quantity.is_range) {
      hours.push_back({quantity.span, minute, MinuteOf(quantity.value_high), quantity.is_ambiguous,
                       quantity.is_ambiguous});
      continue;
    }
    const std::string_view gap =
        hours.empty()
            ? std::string_view()
            : std::string_view(claim.text).substr(previous_end, quantity.span.begin - previous_end);
    const bool joins = gap == " to " || gap == " until " || gap == " till " || gap == " and " ||
                       gap == " through " || gap == "-" || gap == " - ";
    if (joins && hours.back().close_minute < 0) {
      hours.back().close_minute = minute;
      hours.back().close_ambiguous = quantity.is_ambiguous;
      hours.back().span.end = quantity.span.end;
    } else {
      hours.push_back({quantity.span, minute, -1, quantity.is_ambiguous, false});
    }
    previous_end = quantity.span.end;
  }
  return hours;
}

bool SameMinute(int claim, bool ambiguous, int field) {
  const int period = ambiguous ? kMinutesPerDay / 2 : kMinutesPerDay;
  return (claim - field) % period == 0;
}

// Weekdays that the claim names in [begin, end).
Weekdays WeekdaysIn(const Statement& claim, std::size_t begin, std::size_t end) {
  Weekdays days;
  for (const text::Quantity& quantity : claim.quantities) {
    if (quantity.kind != text::QuantityKind::kDate || quantity.date.weekday == 0 ||
        quantity.span.begin < begin || quantity.span.end > end) {
      continue;
    }
    const std::size_t first = quantity.date.weekday;
    const std::size_t last =
        quantity.is_range && quantity.date_last.weekday != 0 ? quantity.date_last.weekday : first;
    for (std::size_t day = first;; day = day % 7 + 1) {
      days.set(day);
      if (day == last) break;
    }
  }
  const std::string part = Joined(std::string_view(claim.text).substr(begin, end - begin));
  const auto says = [&part](std::string_view words) {
    return part.find(words) != std::string::npos;
  };
  if (says("every day") || says("daily") || says("seven days") || says("7 days")) days.set();
  if (says("weekdays")) days |= Weekdays(0b00111110);
  if (says("weekend")) days |= Weekdays(0b11000000);
  days.reset(0);
  return days;
}

void AddHoursFinding(const FactInput& input, const HoursClaim& hours, const HoursField& field,
                     Facts& facts) {
  FactFinding finding;
  finding.kind = FactKind::kField;
  finding.conflicts = true;
  finding.claim = hours.span;
  finding.claim_says = std::string(hours.span.of(input.claim.text));
  finding.evidence_says = field.field->span.of(input.pool[field.row]->text);
  finding.evidence = field.row;
  facts.findings.push_back(std::move(finding));
}

// Every weekday named for an opening must have these hours in the record.
void CompareOpening(const FactInput& input, const HoursClaim& hours, Weekdays days,
                    std::span<const HoursField> fields, FeatureVector& f, Facts& facts) {
  bool found = false;
  for (const HoursField& field : fields) {
    if (!days.test(field.field->weekday)) continue;
    days.reset(field.field->weekday);
    if (SameMinute(hours.open_minute, hours.open_ambiguous, field.field->open_minute) &&
        SameMinute(hours.close_minute, hours.close_ambiguous, field.field->close_minute)) {
      continue;
    }
    f[Feature::kHoursDiffer] += 1;
    if (!found) AddHoursFinding(input, hours, field, facts);
    found = true;
  }
  f[Feature::kHoursDiffer] += static_cast<float>(days.count());  // days without hours
}

void CompareHours(const FactInput& input, std::span<const HoursField> fields, FeatureVector& f,
                  Facts& facts) {
  const Statement& claim = input.claim;
  const std::vector<HoursClaim> hours = HoursOf(claim);
  std::size_t previous_end = 0;
  for (std::size_t k = 0; k < hours.size(); ++k) {
    const HoursClaim& mine = hours[k];
    f[Feature::kTimes] += 1;
    const auto known = [&](int minute, bool ambiguous) {
      return std::ranges::any_of(fields, [&](const HoursField& field) {
        return SameMinute(minute, ambiguous, field.field->open_minute) ||
               SameMinute(minute, ambiguous, field.field->close_minute);
      });
    };
    if (!known(mine.open_minute, mine.open_ambiguous)) f[Feature::kTimesNew] += 1;
    if (mine.close_minute < 0) continue;
    if (!known(mine.close_minute, mine.close_ambiguous)) f[Feature::kTimesNew] += 1;
    Weekdays days = WeekdaysIn(claim, previous_end, mine.span.begin);
    if (days.none()) {
      const std::size_t next = k + 1 < hours.size() ? hours[k + 1].span.begin : claim.text.size();
      days = WeekdaysIn(claim, mine.span.end, next);
      previous_end = days.none() ? mine.span.end : next;
    } else {
      previous_end = mine.span.end;
    }
    CompareOpening(input, mine, days, fields, f, facts);
  }
}

}  // namespace

void CompareFields(const FactInput& input, FeatureVector& f, Facts& facts) {
  FieldReader reader(input, f, facts);
  std::vector<HoursField> hours;
  for (std::uint32_t row = 0; row < input.pool.size(); ++row) {
    for (const Field& field : input.pool[row]->fields) {
      if (field.value == FieldValue::kHours && field.weekday != 0) {
        hours.push_back({row, &field});
      } else {
        reader.Read(field, row);
      }
    }
  }
  if (!hours.empty()) CompareHours(input, hours, f, facts);
}

}  // namespace assay::claims::internal
