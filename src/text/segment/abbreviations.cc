#include <algorithm>
#include <array>
#include <cstddef>

#include "segment/abbreviations_internal.h"

namespace assay::text::segment {
namespace {

constexpr std::size_t kLongestWord = 13;

template <std::size_t n>
using Words = std::array<std::string_view, n>;

// Before a name. In small letters most are ordinary words ("reps", "gen").
constexpr auto kTitles = std::to_array<std::string_view>(
    {"adm", "ald",    "asst", "atty", "brig", "bros", "capt", "cmdr", "col",  "comdr", "cpl",
     "dr",  "drs",    "fr",   "ft",   "gen",  "gov",  "hon",  "hr",   "insp", "jas",   "lt",
     "maj", "messrs", "mgr",  "mlle", "mme",  "mr",   "mrs",  "ms",   "msgr", "mt",    "mx",
     "pfc", "pres",   "prof", "pvt",  "rep",  "reps", "rev",  "rt",   "sen",  "sens",  "sgt",
     "st",  "supt",   "thos", "ven",  "wm",   "chas", "geo"});

// In the middle of a phrase, in any case.
constexpr auto kParticles = std::to_array<std::string_view>(
    {"adj", "approx", "ca", "cf", "eg", "esp", "excl", "ie", "incl", "resp", "v", "viz", "vs"});

// Units: a capital letter after them starts a sentence.
constexpr auto kUnits = std::to_array<std::string_view>(
    {"cm",  "ft", "gal", "hrs", "kg", "km",   "lb",  "lbs", "min", "mm", "mos",
     "mph", "oz", "qt",  "sec", "sq", "tbsp", "tsp", "yd",  "yr",  "yrs"});

constexpr auto kReferences = std::to_array<std::string_view>(
    {"app",  "art", "arts", "bk",  "ch",  "chap", "chs", "cl",   "eq",  "eqs",  "ex",
     "exs",  "fig", "figs", "fn",  "no",  "nos",  "nr",  "op",   "p",   "para", "pg",
     "pgs",  "pp",  "pt",   "pts", "ref", "refs", "sec", "sect", "ser", "tab",  "vol",
     "vols", "ver", "ss",   "c",   "b",   "d",    "r",   "fl",   "cap", "cit",  "ed",
     "eds",  "est", "min",  "max", "avg", "tel",  "ext", "lit",  "par", "reg",  "stat",
     "tbl",  "thm", "def",  "cor", "lem", "prop", "rm"});

constexpr auto kEndings = std::to_array<std::string_view>(
    {"al",   "ala",  "apr",  "ariz", "assn", "assoc", "aug", "ave",  "blvd",  "bldg",  "calif",
     "co",   "colo", "conn", "corp", "cos",  "dec",   "del", "dept", "div",   "est",   "etc",
     "feb",  "fla",  "fri",  "ga",   "govt", "hwy",   "ill", "inc",  "ind",   "inst",  "int",
     "jan",  "jr",   "jul",  "jun",  "kan",  "ky",    "la",  "llc",  "ltd",   "mar",   "mass",
     "md",   "mich", "mfg",  "minn", "miss", "mo",    "mon", "mont", "natl",  "neb",   "nev",
     "nov",  "oct",  "okla", "ore",  "penn", "pa",    "ph",  "phd",  "plc",   "pl",    "pty",
     "rd",   "sat",  "sep",  "sept", "sun",  "tenn",  "tex", "thu",  "thur",  "thurs", "tue",
     "tues", "univ", "va",   "vt",   "wash", "wed",   "wis", "wyo",  "dist",  "esq",   "ret",
     "bhd",  "gmbh", "intl", "lp",   "syn",  "var",   "spp", "sp",   "subsp", "temp",  "pkg",
     "misc", "orig", "dir",  "prod"});

constexpr auto kStarters = std::to_array<std::string_view>(
    {"A",           "According", "Additionally", "After",        "All",          "Also",
     "Although",    "Among",     "An",           "And",          "Another",      "Are",
     "As",          "At",        "Because",      "Before",       "Being",        "Between",
     "Both",        "But",       "By",           "Can",          "Consequently", "Despite",
     "Did",         "Do",        "Does",         "During",       "Each",         "Even",
     "Every",       "Finally",   "First",        "For",          "From",         "Further",
     "Furthermore", "Given",     "Had",          "Has",          "Have",         "He",
     "Her",         "Here",      "His",          "How",          "However",      "I",
     "If",          "In",        "Instead",      "Is",           "It",           "Its",
     "Just",        "Last",      "Later",        "Let",          "Many",         "Meanwhile",
     "Moreover",    "Most",      "My",           "Nevertheless", "No",           "Not",
     "Now",         "Of",        "On",           "Once",         "One",          "Only",
     "Or",          "Other",     "Others",       "Our",          "Over",         "Overall",
     "People",      "Please",    "Several",      "She",          "Similarly",    "Since",
     "So",          "Some",      "Still",        "Such",         "That",         "The",
     "Their",       "Then",      "There",        "Therefore",    "These",        "They",
     "This",        "Those",     "Though",       "Three",        "Through",      "Thus",
     "To",          "Today",     "Two",          "Under",        "Unlike",       "Until",
     "Upon",        "Was",       "We",           "Well",         "Were",         "What",
     "When",        "Where",     "Whether",      "Which",        "While",        "Who",
     "Why",         "Will",      "With",         "Within",       "Without",      "Would",
     "Yes",         "Yet",       "You",          "Your"});

constexpr auto kSpeechVerbs = std::to_array<std::string_view>(
    {"added",     "adds",      "agreed",    "announced", "answered", "argued",
     "asked",     "asks",      "called",    "cried",     "cries",    "demanded",
     "exclaimed", "exclaims",  "explained", "replied",   "replies",  "responded",
     "said",      "says",      "screamed",  "shouted",   "shouts",   "thought",
     "told",      "whispered", "wondered",  "wrote",     "writes",   "yelled"});

constexpr auto kDates = std::to_array<std::string_view>(
    {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Mon",
     "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"});

constexpr auto kExclaimedNames = std::to_array<std::string_view>(
    {"Yahoo", "Jeopardy", "Mamma", "Oklahoma", "Yum", "Panic", "Wham", "Airplane"});

template <std::size_t n>
constexpr Words<n> Sorted(Words<n> words) {
  std::ranges::sort(words);
  return words;
}

constexpr auto kSortedTitles = Sorted(kTitles);
constexpr auto kSortedParticles = Sorted(kParticles);
constexpr auto kSortedUnits = Sorted(kUnits);
constexpr auto kSortedReferences = Sorted(kReferences);
constexpr auto kSortedEndings = Sorted(kEndings);
constexpr auto kSortedStarters = Sorted(kStarters);
constexpr auto kSortedSpeechVerbs = Sorted(kSpeechVerbs);

}  // namespace

Abbreviation KindOfAbbreviation(std::string_view word) {
  if (word.empty() || word.size() > 6) return Abbreviation::kNone;  // the longest is "messrs"
  char lower[6];
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    if (c >= 'A' && c <= 'Z') {
      lower[i] = static_cast<char>(c + 32);
    } else if (c >= 'a' && c <= 'z') {
      lower[i] = c;
    } else {
      return Abbreviation::kNone;
    }
  }
  const std::string_view key(lower, word.size());
  const bool capital = word[0] != lower[0];
  if (capital && std::ranges::binary_search(kSortedTitles, key)) return Abbreviation::kTitle;
  if (std::ranges::binary_search(kSortedParticles, key)) return Abbreviation::kTitle;
  if (!capital && std::ranges::binary_search(kSortedUnits, key)) return Abbreviation::kUnit;
  if (std::ranges::binary_search(kSortedReferences, key)) return Abbreviation::kReference;
  if (std::ranges::binary_search(kSortedEndings, key)) return Abbreviation::kEnding;
  return Abbreviation::kNone;
}

bool IsSentenceStarter(std::string_view word) {
  return word.size() <= kLongestWord && std::ranges::binary_search(kSortedStarters, word);
}

bool IsDateWord(std::string_view word) {
  return word.size() >= 3 && std::ranges::find(kDates, word.substr(0, 3)) != kDates.end();
}

bool IsSpeechVerb(std::string_view word) {
  return std::ranges::binary_search(kSortedSpeechVerbs, word);
}

bool IsExclaimedName(std::string_view word) {
  return std::ranges::find(kExclaimedNames, word) != kExclaimedNames.end();
}

}  // namespace assay::text::segment
