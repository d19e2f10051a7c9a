// text.cc: assay.text.
#include "assay/text/names.h"
#include "assay/text/quantity.h"
#include "assay/text/segment.h"
#include "assay/text/similarity/edit.h"
#include "assay/text/similarity/word_bags.h"
#include "assay/text/utf8.h"

#include "support.h"

namespace assay::python {
namespace {

using text::EditMeasure;

EditMeasure MeasureOf(std::string_view name) {
  if (name == "levenshtein") return EditMeasure::kLevenshtein;
  if (name == "indel") return EditMeasure::kIndel;
  if (name == "lcs") return EditMeasure::kLcs;
  if (name == "jaro") return EditMeasure::kJaro;
  if (name == "jaro_winkler") return EditMeasure::kJaroWinkler;
  Raise(Code::kInvalidArgument, "no measure is called '" + std::string(name) +
                                    "'; there are levenshtein, indel, lcs, jaro and jaro_winkler");
}

struct PyQuantity {
  std::string text;
  std::size_t start = 0;
  std::size_t end = 0;
  std::string kind;
  double value = 0;
  double value_high = 0;
  std::string unit;
  std::string normal;
};

struct PyName {
  std::string text;
  std::size_t start = 0;
  std::size_t end = 0;
  std::string kind;
  std::size_t same_as = 0;
};

const char* NameKindName(text::NameKind kind) {
  switch (kind) {
    case text::NameKind::kProper:
      return "proper";
    case text::NameKind::kAcronym:
      return "acronym";
    case text::NameKind::kEmail:
      return "email";
    case text::NameKind::kUrl:
      return "url";
    case text::NameKind::kCode:
      return "code";
  }
  return "proper";
}

std::vector<PyQuantity> Quantities(std::string_view text) {
  std::vector<text::Quantity> found;
  text::ExtractQuantities(text, found);
  Indices indices(text);
  std::vector<PyQuantity> out;
  out.reserve(found.size());
  for (const text::Quantity& q : found) {
    PyQuantity one;
    one.text = text.substr(q.span.begin, q.span.end - q.span.begin);
    one.start = indices.Of(q.span.begin);
    one.end = indices.Of(q.span.end);
    one.kind = text::KindName(q.kind);
    one.value = q.value;
    one.value_high = q.value_high;
    one.unit = text::UnitName(q.unit);
    one.normal = text::Describe(q, text);
    out.push_back(std::move(one));
  }
  return out;
}

std::string_view CompareQuantities(std::string_view claim, std::string_view evidence) {
  std::vector<text::Quantity> a;
  std::vector<text::Quantity> b;
  text::ExtractQuantities(claim, a);
  text::ExtractQuantities(evidence, b);
  if (a.size() != 1 || b.size() != 1) {
    Raise(Code::kInvalidArgument, "each text must hold exactly one quantity; they hold " +
                                      std::to_string(a.size()) + " and " +
                                      std::to_string(b.size()));
  }
  return text::ComparisonName(text::Compare(a.front(), b.front()));
}

std::vector<PyName> Names(std::string_view text) {
  std::vector<text::Name> found;
  text::FindNames(text, found);
  Indices indices(text);
  std::vector<PyName> out;
  out.reserve(found.size());
  for (const text::Name& name : found) {
    PyName one;
    one.text = text.substr(name.span.begin, name.span.end - name.span.begin);
    one.start = indices.Of(name.span.begin);
    one.end = indices.Of(name.span.end);
    one.kind = NameKindName(name.kind);
    one.same_as = name.same_as;
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<std::string_view> Sentences(std::string_view text) {
  std::vector<text::Sentence> found;
  text::SplitSentences(text, found);
  std::vector<std::string_view> out;
  out.reserve(found.size());
  for (const text::Sentence& s : found) {
    out.push_back(text.substr(s.span.begin, s.span.end - s.span.begin));
  }
  return out;
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<text::Span> found;
  text::SplitWords(text, found);
  std::vector<std::string_view> out;
  out.reserve(found.size());
  for (const text::Span& s : found) out.push_back(text.substr(s.begin, s.end - s.begin));
  return out;
}

void BindReading(nb::module_& module) {
  nb::class_<PyQuantity>(module, "Quantity", "A number, date, duration, sum of money or measure.")
      .def_ro("text", &PyQuantity::text, "As written.")
      .def_ro("start", &PyQuantity::start, "First character in the text.")
      .def_ro("end", &PyQuantity::end, "One past the last character.")
      .def_ro("kind", &PyQuantity::kind,
              "number, count, ratio, money, measure, duration, date, ...")
      .def_ro("value", &PyQuantity::value, "In the canonical unit of its dimension (SI, seconds).")
      .def_ro("value_high", &PyQuantity::value_high, "Last end of a range, else the value.")
      .def_ro("unit", &PyQuantity::unit, "The unit as written, in the singular; '' for none.")
      .def_ro("normal", &PyQuantity::normal, "Short normal text: '30 days'.");
  nb::class_<PyName>(module, "Name", "A name of a person, organisation, place or product.")
      .def_ro("text", &PyName::text)
      .def_ro("start", &PyName::start, "First character in the text.")
      .def_ro("end", &PyName::end, "One past the last character.")
      .def_ro("kind", &PyName::kind, "proper, acronym, email, url or code.")
      .def_ro("same_as", &PyName::same_as, "Index of the first name that this one repeats.");
  module.def("quantities", Quantities, nb::arg("text"),
             "Quantities of a text in their order. O(n).");
  module.def(
      "compare_quantities", CompareQuantities, nb::arg("claim"), nb::arg("evidence"),
      "What the one quantity of `claim` is to the one of `evidence`: equal, rounded, within,\n"
      "different or incomparable. Raises InvalidArgument unless each text holds exactly one.");
  module.def("names", Names, nb::arg("text"), "Names of a text in their order. O(words).");
  module.def("same_name", text::SameName, nb::arg("a"), nb::arg("b"),
             "Whether two names can denote the same thing ('WHO', 'World Health Organization').");
  module.def("sentences", Sentences, nb::arg("text"),
             "Sentences of plain text or Markdown, without markers. O(n).");
  module.def("words", Words, nb::arg("text"), "Words of a text in their order. O(n).");
  module.def(
      "fold_case",
      [](std::string_view text) {
        std::string out;
        text::AppendFolded(text, out);
        return out;
      },
      nb::arg("text"),
      "The text in simple case folding of Unicode: its length stays, so U+00DF stays as it is.");
}

void BindSimilarity(nb::module_& module) {
  module.def(
      "levenshtein",
      [](std::string_view a, std::string_view b) {
        return text::LevenshteinDistance(text::ToCodePoints(a), text::ToCodePoints(b));
      },
      nb::arg("a"), nb::arg("b"),
      "Fewest insertions, deletions and substitutions of a character that turn a into b.\n"
      "O(min * ceil(max / 64)).");
  module.def(
      "lcs_length",
      [](std::string_view a, std::string_view b) {
        return text::LcsLength(text::ToCodePoints(a), text::ToCodePoints(b));
      },
      nb::arg("a"), nb::arg("b"), "Length of the longest common subsequence, in characters.");
  module.def(
      "similarity",
      [](std::string_view a, std::string_view b, std::string_view measure) {
        return text::EditSimilarity(a, b, MeasureOf(measure));
      },
      nb::arg("a"), nb::arg("b"), nb::arg("measure") = "levenshtein",
      "Similarity of two texts in [0, 1]; 1 for equal ones, also for two empty ones.\n"
      "measure: levenshtein, indel, lcs, jaro or jaro_winkler. Raises InvalidArgument for others.");
  module.def(
      "similarity_matrix",
      [](const nb::object& texts, std::string_view measure, unsigned threads) {
        const Texts held(texts);
        const EditMeasure kind = MeasureOf(measure);
        return ArrayOf(Unlocked([&] { return text::EditMatrix(held.views(), kind, threads); }),
                       {held.size(), held.size()});
      },
      nb::arg("texts"), nb::arg("measure") = "levenshtein", nb::arg("threads") = 0,
      "All pairs of n texts: float64 [n, n], symmetric, 1 on the diagonal; a pair has the value "
      "of\n"
      "similarity(texts[i], texts[j]) for i < j. threads: 0 takes all cores. Without the GIL.");
  module.def(
      "similarity_row",
      [](std::string_view one, const nb::object& others, std::string_view measure) {
        const Texts held(others);
        const EditMeasure kind = MeasureOf(measure);
        return ArrayOf(Unlocked([&] { return text::EditRow(one, held.views(), kind); }),
                       {held.size()});
      },
      nb::arg("text"), nb::arg("others"), nb::arg("measure") = "levenshtein",
      "One text against n others: float64 [n]. Without the GIL.");
  module.def(
      "jaccard_matrix",
      [](const nb::object& texts, std::size_t length) {
        const Texts held(texts);
        if (length == 0) Raise(Code::kOutOfRange, "length is 0; a shingle has at least one word");
        return ArrayOf(Unlocked([&] { return text::WordBags(held.views()).Jaccard(length); }),
                       {held.size(), held.size()});
      },
      nb::arg("texts"), nb::arg("length") = 1,
      "Shared over all distinct runs of `length` words, case folded, of all pairs of n texts:\n"
      "float64 [n, n]. Two texts without words: 1. Raises OutOfRange for length 0.");
  module.def(
      "cosine_matrix",
      [](const nb::object& texts) {
        const Texts held(texts);
        return ArrayOf(Unlocked([&] { return text::WordBags(held.views()).Cosine(); }),
                       {held.size(), held.size()});
      },
      nb::arg("texts"),
      "Cosines of the vectors of word counts of all pairs of n texts: float64 [n, n]. Two texts\n"
      "without words: 1; one of them: 0.");
}

}  // namespace

void BindText(nb::module_& module) {
  BindReading(module);
  BindSimilarity(module);
}

}  // namespace assay::python
