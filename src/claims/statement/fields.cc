// "key: value" sentences, as records and tables are rendered, and long records cut into fields.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "assay/text/segment.h"

#include "statement/statement_internal.h"

namespace assay::claims::internal {
namespace {

constexpr std::size_t kMaxKeyBytes = 80;  // longer text before a colon is prose
// A row of fewer fields is one statement ("occasion: own wedding; paid days: 2"); one of more is a
// record whose fields stand for themselves.
constexpr std::size_t kMinSplitFields = 8;

constexpr std::array<std::string_view, 7> kWeekdays = {
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};

// Words of keys that say nothing about the value: "hasWifi", "GoodForGroups".
constexpr std::array<std::string_view, 9> kEmptyKeyWords = {
    "has", "is", "good", "for", "business", "restaurant", "restaurants", "the", "of"};

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '"')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '"' || text.back() == '.')) {
    text.remove_suffix(1);
  }
  return text;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// "attributes.BusinessParking.garage" -> "attributes > Business Parking > garage".
std::string ReadableKey(std::string_view key) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  std::string readable;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const bool is_inner = i > 0 && i + 1 < key.size();
    if (is_inner && key[i] == '.' && key[i + 1] != ' ') {
      readable += " > ";
    } else if (key[i] == '_') {
      readable += ' ';
    } else {
      if (i > 0 && is_upper(key[i]) && is_lower(key[i - 1])) readable += ' ';
      readable += key[i];
    }
  }
  return readable;
}

// "11:0" or "11:30" at the start of `text`, which is shortened; minutes since midnight.
std::optional<std::int32_t> ReadClock(std::string_view& text) {
  std::int32_t hour = 0;
  std::int32_t minute = 0;
  const char* const end = text.data() + text.size();
  const auto [after_hour, hour_error] = std::from_chars(text.data(), end, hour);
  if (hour_error != std::errc() || after_hour == end || *after_hour != ':') return std::nullopt;
  const auto [after, error] = std::from_chars(after_hour + 1, end, minute);
  if (error != std::errc() || hour < 0 || hour > 24 || minute < 0 || minute > 59) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(after - text.data()));
  return hour * 60 + minute;
}

bool ReadHours(std::string_view value, Field& field) {
  const std::optional<std::int32_t> open = ReadClock(value);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (!open || value.empty() || value.front() != '-') return false;
  value.remove_prefix(1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  const std::optional<std::int32_t> close = ReadClock(value);
  if (!close || !value.empty()) return false;
  field.open_minute = *open;
  field.close_minute = *close;
  return true;
}

FieldValue ValueOf(std::string_view raw, Field& field) {
  const std::string value = Lower(Trim(raw));
  if (value == "true" || value == "yes" || value == "free" || value == "paid") {
    return FieldValue::kTrue;
  }
  if (value == "false" || value == "no" || value == "none") return FieldValue::kFalse;
  if (value == "null" || value == "unknown" || value == "n/a") return FieldValue::kNull;
  return ReadHours(value, field) ? FieldValue::kHours : FieldValue::kText;
}

// Stems of the tokens within [begin, end) bytes; `joined` and `rarity` are for the last part.
void ReadKeyPart(const Statement& statement, std::size_t begin, std::size_t end,
                 std::vector<std::uint32_t>& stems, std::string* joined, float* rarity) {
  for (std::size_t i = 0; i < statement.tokens.size(); ++i) {
    const Token& token = statement.tokens[i];
    if (token.span.begin < begin || token.span.end > end) continue;
    const std::string lower = Lower(statement.word(i));
    if (std::ranges::find(kEmptyKeyWords, lower) != kEmptyKeyWords.end()) continue;
    stems.push_back(token.stem);
    if (joined != nullptr) *joined += lower;
    if (rarity != nullptr) *rarity = std::max(*rarity, token.rarity);
  }
}

void ReadField(Statement& statement, std::size_t begin, std::size_t end) {
  const std::string_view part = std::string_view(statement.text).substr(begin, end - begin);
  const std::size_t colon = part.find(": ");
  if (colon == std::string_view::npos || colon == 0 || colon > kMaxKeyBytes) return;
  Field field;
  field.span = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
  field.value = ValueOf(part.substr(colon + 2), field);
  const std::string_view key = part.substr(0, colon);
  const std::size_t arrow = key.rfind(" > ");
  const std::size_t last = arrow == std::string_view::npos ? 0 : arrow + 3;
  ReadKeyPart(statement, begin + last, begin + colon, field.key, &field.key_joined,
              &field.key_rarity);
  if (last > 0) {
    const std::size_t before = key.substr(0, arrow).rfind(" > ");
    const std::size_t from = before == std::string_view::npos ? 0 : before + 3;
    ReadKeyPart(statement, begin + from, begin + arrow, field.parent, nullptr, nullptr);
  }
  const auto weekday = std::ranges::find(kWeekdays, field.key_joined);
  if (weekday != kWeekdays.end()) {
    field.weekday = static_cast<std::uint8_t>(1 + (weekday - kWeekdays.begin()));
  }
  if (!field.key.empty()) statement.fields.push_back(std::move(field));
}

}  // namespace

std::vector<std::string> SplitRecord(std::string_view row) {
  std::vector<std::string> fields;
  std::size_t begin = 0;
  while (begin < row.size()) {
    const std::size_t end = std::min(row.find("; ", begin), row.size());
    const std::string_view part = row.substr(begin, end - begin);
    const std::size_t colon = std::min(part.find(": "), part.size());
    if (colon == part.size() && !fields.empty()) {
      fields.back() += fmt::format("; {}", part);  // the value held "; " itself
    } else {
      fields.push_back(ReadableKey(part.substr(0, colon)).append(part.substr(colon)));
    }
    begin = end + 2;
  }
  if (fields.size() < kMinSplitFields) fields.clear();
  return fields;
}

void ReadFields(Statement& statement) {
  std::size_t begin = 0;
  while (begin < statement.text.size()) {
    const std::size_t end = std::min(statement.text.find("; ", begin), statement.text.size());
    ReadField(statement, begin, end);
    begin = end + 2;
  }
}

}  // namespace assay::claims::internal
