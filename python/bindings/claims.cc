// claims.cc: assay.claims: extraction, and verdicts with a cache.
#include <mutex>
#include <variant>

#include <nanobind/stl/variant.h>

#include "assay/claims/entailment.h"
#include "assay/claims/extractor.h"
#include "assay/claims/verdict_cache.h"
#include "assay/claims/verifier.h"

#include "encoder.h"
#include "support.h"

namespace assay::python {
namespace {

using claims::Judgement;

struct PyClaim {
  std::string text;
  std::size_t start = 0;
  std::size_t end = 0;
};

struct PySentence {
  std::string text;
  std::size_t start = 0;
  std::size_t end = 0;
  std::string kind;
  float check_worthiness = 0;
  std::vector<PyClaim> claims;
};

std::vector<PySentence> SentencesOf(std::string_view answer, const claims::Extraction& found) {
  Indices indices(answer);
  std::vector<PySentence> out;
  out.reserve(found.size());
  for (const claims::ExtractedSentence& sentence : found) {
    PySentence one;
    one.text = sentence.span.of(answer);
    one.start = indices.Of(sentence.span.begin);
    one.kind = claims::KindName(sentence.kind);
    one.check_worthiness = sentence.check_worthiness;
    for (const claims::Claim& claim : sentence.claims) {
      const std::size_t start = indices.Of(claim.span.begin);
      one.claims.push_back({.text = claim.text, .start = start, .end = indices.Of(claim.span.end)});
    }
    one.end = indices.Of(sentence.span.end);
    out.push_back(std::move(one));
  }
  return out;
}

class PyExtractor {
 public:
  PyExtractor(bool split_clauses, bool resolve_pronouns, bool join_list_items, std::string question)
      : extractor_({.split_clauses = split_clauses,
                    .resolve_pronouns = resolve_pronouns,
                    .join_list_items = join_list_items,
                    .question = std::move(question)}) {}

  [[nodiscard]] std::vector<PySentence> Extract(std::string_view answer) const {
    return SentencesOf(answer, Unlocked([&] { return extractor_.Extract(answer); }));
  }
  [[nodiscard]] std::vector<std::vector<PySentence>> ExtractBatch(const nb::object& answers,
                                                                  unsigned threads) const {
    const Texts held(answers);
    const auto found = Unlocked([&] { return extractor_.ExtractBatch(held.views(), threads); });
    std::vector<std::vector<PySentence>> out;
    for (std::size_t i = 0; i < found.size(); ++i) {
      out.push_back(SentencesOf(held.views()[i], found[i]));
    }
    return out;
  }

 private:
  claims::Extractor extractor_;
};

// None, a model, or where one is for assay.models.cross_encoder.
using CheckerArgument = std::variant<std::monostate, SharedCrossEncoder, std::string>;

std::shared_ptr<const embed::CrossEncoder> CheckerOf(const CheckerArgument& checker) {
  if (const auto* model = std::get_if<SharedCrossEncoder>(&checker)) return model->get;
  const auto* folder = std::get_if<std::string>(&checker);
  if (folder == nullptr) return nullptr;
  const nb::object found = nb::module_::import_("assay.models").attr("cross_encoder")(*folder);
  return nb::cast<const SharedCrossEncoder&>(found).get;
}

// A Verifier with what it needs, behind a lock: many Python threads may ask at once.
class PyVerifier {
 public:
  PyVerifier(const SharedIndex& index, const SharedEncoder* words, std::size_t cache_entries,
             std::uint32_t passages, std::uint32_t max_evidence, const CheckerArgument& checker)
      : words_(words == nullptr ? nullptr : words->get), index_(index), model_(CheckerOf(checker)) {
    if (model_) entailment_ = Take(claims::MakeEntailment(*model_));
    if (cache_entries > 0) {
      cache_ = Take(claims::VerdictCache::Create({.max_entries = cache_entries}));
    }
    const claims::VerifierOptions options{.passages = passages, .max_evidence = max_evidence};
    verifier_ = std::make_unique<claims::Verifier>(Take(claims::Verifier::Create(
        index.get, words_.get(), index.encoder.get(), options, entailment_.get(), cache_.get())));
  }

  Judgement Verify(std::string_view claim) {
    Judgement found = Take(Unlocked([&] {
      const std::lock_guard locked(mutex_);
      return verifier_->Verify(claim);
    }));
    ToCharacters(claim, found.unsupported_words);
    return found;
  }

  std::vector<Judgement> VerifyBatch(const nb::object& texts) {
    const Texts held(texts);
    std::vector<Judgement> found = Take(Unlocked([&] {
      const std::lock_guard locked(mutex_);
      return verifier_->VerifyBatch(held.views());
    }));
    for (std::size_t i = 0; i < found.size(); ++i) {
      ToCharacters(held.views()[i], found[i].unsupported_words);
    }
    return found;
  }

  // Verdicts as numbers: what the cache has is read without a lock and without a Python object.
  std::pair<Output<std::uint8_t>, Output<float>> Codes(const nb::object& texts) {
    const Texts held(texts);
    std::vector<std::uint8_t> verdicts(held.size());
    std::vector<float> confidences(held.size());
    Take(Unlocked([&] { return Fill(held.views(), verdicts, confidences); }));
    const std::size_t n = held.size();
    return std::pair(ArrayOf(std::move(verdicts), {n}), ArrayOf(std::move(confidences), {n}));
  }

  [[nodiscard]] claims::VerdictCacheStats CacheStats() const {
    return cache_ ? cache_->stats() : claims::VerdictCacheStats{};
  }

 private:
  Result<void> Fill(std::span<const std::string_view> texts, std::span<std::uint8_t> verdicts,
                    std::span<float> confidences) {
    std::vector<std::string_view> missing;
    std::vector<std::size_t> places;
    ReadCache(texts, verdicts, confidences, missing, places);
    if (missing.empty()) return {};
    const std::lock_guard locked(mutex_);
    ASSAY_ASSIGN(const std::vector<Judgement> found, verifier_->VerifyBatch(missing));
    for (std::size_t i = 0; i < found.size(); ++i) {
      verdicts[places[i]] = static_cast<std::uint8_t>(found[i].verdict);
      confidences[places[i]] = found[i].confidence;
    }
    return {};
  }

  void ReadCache(std::span<const std::string_view> texts, std::span<std::uint8_t> verdicts,
                 std::span<float> confidences, std::vector<std::string_view>& missing,
                 std::vector<std::size_t>& places) const {
    std::vector<const Judgement*> found(texts.size(), nullptr);
    const auto use = [&] {
      for (std::size_t i = 0; i < texts.size(); ++i) {
        if (found[i] == nullptr) {
          missing.push_back(texts[i]);
          places.push_back(i);
        } else {
          verdicts[i] = static_cast<std::uint8_t>(found[i]->verdict);
          confidences[i] = found[i]->confidence;
        }
      }
    };
    if (cache_ == nullptr) return use();
    const auto reader = cache_->Read();
    reader.FindBatch(texts, index_.get->version(), verifier_->identity(), found);
    use();
  }

  std::shared_ptr<embed::Encoder> words_;
  SharedIndex index_;
  std::shared_ptr<const embed::CrossEncoder> model_;  // null: none
  std::unique_ptr<claims::Entailment> entailment_;
  std::unique_ptr<claims::VerdictCache> cache_;
  std::unique_ptr<claims::Verifier> verifier_;
  std::mutex mutex_;
};

void BindExtraction(nb::module_& module) {
  nb::class_<PyClaim>(module, "Claim", "A span of an answer that states something checkable.")
      .def_ro("text", &PyClaim::text, "Self-contained: pronouns replaced.")
      .def_ro("start", &PyClaim::start, "First character in the answer.")
      .def_ro("end", &PyClaim::end, "One past the last character.")
      .def("__repr__", [](const PyClaim& claim) { return "Claim('" + claim.text + "')"; });
  nb::class_<PySentence>(module, "Sentence", "A sentence of an answer and its claims.")
      .def_ro("text", &PySentence::text)
      .def_ro("start", &PySentence::start)
      .def_ro("end", &PySentence::end)
      .def_ro("kind", &PySentence::kind, "factual, opinion, question, instruction, hedge, code.")
      .def_ro("check_worthiness", &PySentence::check_worthiness, "[0, 1].")
      .def_ro("claims", &PySentence::claims);
  nb::class_<PyExtractor>(module, "Extractor", "Answers to claims; may be used by many threads.")
      .def(nb::init<bool, bool, bool, std::string>(), nb::arg("split_clauses") = true,
           nb::arg("resolve_pronouns") = true, nb::arg("join_list_items") = true,
           nb::arg("question") = "")
      .def("extract", &PyExtractor::Extract, nb::arg("answer"),
           "The sentences of an answer in order, with their claims. Never fails. O(n).")
      .def("extract_batch", &PyExtractor::ExtractBatch, nb::arg("answers"), nb::arg("threads") = 0,
           "One list an answer, equal to extract of each; threads 0 takes all cores.");
}

void BindJudgements(nb::module_& module) {
  nb::class_<claims::Evidence>(module, "Evidence", "A sentence, list item or table row.")
      .def_ro("file", &claims::Evidence::file)
      .def_ro("line", &claims::Evidence::line)
      .def_ro("page", &claims::Evidence::page)
      .def_ro("text", &claims::Evidence::text)
      .def_ro("score", &claims::Evidence::score, "Share of the claim that it covers, [0, 1].");
  nb::class_<Judgement>(module, "Judgement", "What the documents say about a claim.")
      .def_prop_ro(
          "verdict",
          [](const Judgement& judgement) { return claims::VerdictName(judgement.verdict); },
          "supported, contradicted or unverified.")
      .def_ro("confidence", &Judgement::confidence, "Probability that the verdict is right.")
      .def_ro("support", &Judgement::support, "Probability that the documents support the claim.")
      .def_ro("reason", &Judgement::reason, "One sentence for people.")
      .def_ro("evidence", &Judgement::evidence, "Best first.")
      .def_prop_ro(
          "unsupported_words",
          [](const Judgement& judgement) {
            std::vector<std::pair<std::uint32_t, std::uint32_t>> words;
            for (const text::Span& word : judgement.unsupported_words) {
              words.emplace_back(word.begin, word.end);
            }
            return words;
          },
          "First and one past the last character in the claim of what nothing bears out.")
      .def("__repr__", [](const Judgement& judgement) {
        return "Judgement(" + std::string(claims::VerdictName(judgement.verdict)) + ": " +
               judgement.reason + ")";
      });
  nb::class_<claims::VerdictCacheStats>(module, "CacheStats")
      .def_ro("entries", &claims::VerdictCacheStats::entries)
      .def_ro("insertions", &claims::VerdictCacheStats::insertions)
      .def_ro("evictions", &claims::VerdictCacheStats::evictions);
}

}  // namespace

void BindClaims(nb::module_& module) {
  BindExtraction(module);
  BindJudgements(module);
  nb::class_<PyVerifier>(module, "Verifier", "Judges claims against an index; thread-safe.")
      .def(
          nb::init<const SharedIndex&, const SharedEncoder*, std::size_t, std::uint32_t,
                   std::uint32_t, const CheckerArgument&>(),
          nb::arg("index"), nb::arg("words") = nb::none(), nb::arg("cache_entries") = 65'536,
          nb::arg("passages") = 8, nb::arg("max_evidence") = 3, nb::arg("checker") = nb::none(),
          "words: assay.embed.Encoder for near words; without it equal stems count.\n"
          "cache_entries: judgements kept, 0 for none.\n"
          "checker: judges what facts leave open: an assay.embed.CrossEncoder, its folder,\n"
          "\"default\" for the installed one, None for none. Raises InvalidArgument for options,\n"
          "FailedPrecondition for a model without `relation`, and what assay.cross_encoder raises.")
      .def("verify", &PyVerifier::Verify, nb::arg("claim"),
           "Judges one self-contained claim. About 1 ms (a checker: tens), cached 1 us. Without "
           "the\n"
           "GIL.")
      .def("verify_batch", &PyVerifier::VerifyBatch, nb::arg("claims"), "One judgement a claim.")
      .def(
          "codes", &PyVerifier::Codes, nb::arg("claims"),
          "Verdicts of n claims as (uint8 [n], confidence float32 [n]); VERDICTS names the codes.\n"
          "The quick way for many claims that have been judged before. Without the GIL.")
      .def("cache_stats", &PyVerifier::CacheStats);
}

}  // namespace assay::python
