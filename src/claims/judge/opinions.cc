#include <algorithm>
#include <cstdint>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/claims/judge.h"
#include "assay/text/utf8.h"

namespace assay::claims {
namespace {

constexpr std::size_t kMaxAnswerBytes = 65'536;
constexpr std::size_t kMaxDepth = 2;  // the list and its items
constexpr std::string_view kWhiteSpace = " \t\r\n";

std::string_view Trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhiteSpace) + 1 - begin);
}

// What stands in a fence that holds the whole text: models put one around JSON unasked.
std::string_view WithoutFence(std::string_view text) {
  constexpr std::string_view kFence = "```";
  text = Trimmed(text);
  const std::size_t line_end = text.find('\n');
  if (!text.starts_with(kFence) || !text.ends_with(kFence) || line_end == std::string_view::npos) {
    return text;
  }
  const std::string_view language = Trimmed(text.substr(kFence.size(), line_end - kFence.size()));
  if (!language.empty() && language != "json") return text;
  text.remove_prefix(line_end);
  text.remove_suffix(kFence.size());
  return Trimmed(text);
}

// White space folded to single spaces, none at the ends.
std::string Folded(std::string_view text) {
  std::string folded;
  for (const char c : Trimmed(text)) {
    if (kWhiteSpace.find(c) == std::string_view::npos) {
      folded += c;
    } else if (folded.back() != ' ') {
      folded += ' ';
    }
  }
  return folded;
}

bool IsWordByte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Both folded. Not from the middle of a word: "7 days" is not said by "27 days".
bool HoldsWords(std::string_view evidence, std::string_view quote) {
  for (std::size_t at = evidence.find(quote); at != std::string_view::npos;
       at = evidence.find(quote, at + 1)) {
    const std::size_t end = at + quote.size();
    const bool begins = at == 0 || !IsWordByte(evidence[at - 1]) || !IsWordByte(quote.front());
    const bool ends =
        end == evidence.size() || !IsWordByte(evidence[end]) || !IsWordByte(quote.back());
    if (begins && ends) return true;
  }
  return false;
}

bool IsTrueQuote(std::string_view quote, const JudgeQuestion& question) {
  if (quote.empty()) return false;
  const bool several = quote.find(' ') != std::string_view::npos;
  return std::ranges::any_of(question.evidence, [&](const std::string& text) {
    const std::string evidence = Folded(text);
    return quote == evidence || (several && HoldsWords(evidence, quote));
  });
}

std::optional<Verdict> VerdictOf(std::string_view name) {
  if (name == "supported") return Verdict::kSupported;
  if (name == "contradicted") return Verdict::kContradicted;
  if (name == "not_mentioned") return Verdict::kUnverified;
  return std::nullopt;
}

auto Broken(std::string_view why) {
  return Fail(Code::kDataLoss, fmt::format("the judge's answer {}", why));
}

struct Item {
  std::size_t index = 0;
  JudgeOpinion opinion;
};

Result<Item> ReadItem(const boost::json::value& value, std::size_t questions) {
  const boost::json::object* members = value.if_object();
  if (members == nullptr) return Broken("holds an item that is no object");
  for (const auto& member : *members) {
    const std::string_view name = member.key();
    if (name != "claim" && name != "verdict" && name != "quote") {
      return Broken("holds an unknown member");
    }
  }
  Item item;
  const boost::json::value* number = members->if_contains("claim");
  if (number == nullptr || !number->is_int64() || number->get_int64() < 1 ||
      static_cast<std::uint64_t>(number->get_int64()) > questions) {
    return Broken("names a claim that was not sent");
  }
  item.index = static_cast<std::size_t>(number->get_int64() - 1);
  const boost::json::value* verdict = members->if_contains("verdict");
  const auto known = verdict != nullptr && verdict->is_string() ? VerdictOf(verdict->get_string())
                                                                : std::optional<Verdict>();
  if (!known) return Broken("holds an unknown verdict");
  item.opinion.verdict = *known;
  const boost::json::value* quote = members->if_contains("quote");
  if (quote == nullptr || quote->is_null()) return item;
  if (!quote->is_string()) return Broken("holds a quote that is no text");
  item.opinion.quote = Folded(quote->get_string());
  return item;
}

}  // namespace

Result<JudgeOpinions> ReadJudgeOpinions(std::string_view text,
                                        std::span<const JudgeQuestion> questions) {
  if (text.size() > kMaxAnswerBytes) return Broken("is too long");
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(WithoutFence(text), error, {}, options);
  if (error) return Broken("is no JSON of the form that was asked for");
  const boost::json::array* items = parsed.if_array();
  if (items == nullptr) return Broken("is no list");
  JudgeOpinions opinions(questions.size());
  std::vector<bool> seen(questions.size());
  for (const boost::json::value& value : *items) {
    ASSAY_ASSIGN(Item item, ReadItem(value, questions.size()));
    if (seen[item.index]) return Broken("names a claim twice");
    seen[item.index] = true;
    const bool quoted = IsTrueQuote(item.opinion.quote, questions[item.index]);
    if (item.opinion.verdict == Verdict::kUnverified) {
      if (!quoted) item.opinion.quote.clear();
    } else if (!quoted) {
      continue;
    }
    opinions[item.index] = std::move(item.opinion);
  }
  return opinions;
}

}  // namespace assay::claims
