// What is measured about a claim and its evidence. The order is that of the trained model; append
// only, and train again (models/verifier/README.md).
#pragma once
#include <array>
#include <cstddef>
#include <string_view>

namespace assay::claims::internal {

// X(enumerator, name). "top" is the three sentences that cover the claim best, "best" the first.
#define ASSAY_CLAIM_FEATURES(X)                                                             \
  X(kWords, "words")                         /* of the claim */                             \
  X(kContentWords, "content_words")          /* that are no stop words */                   \
  X(kMeanCosine, "mean_cosine")              /* best cosine of mean word vectors */         \
  X(kMeanCosineTop, "mean_cosine_top")       /* mean of the best three */                   \
  X(kEqualBest, "equal_best")                /* rarity share of words in best */            \
  X(kEqualTop, "equal_top")                  /* in top together */                          \
  X(kEqualAnySentence, "equal_any_sentence") /* largest share of one sentence */            \
  X(kNewShare, "new_share")                  /* rarity share of words in none */            \
  X(kNewCount, "new_count")                                                                 \
  X(kNewMaxRarity, "new_max_rarity")                                                        \
  X(kNewSumRarity, "new_sum_rarity")                                                        \
  X(kMissingTopCount, "missing_top_count") /* words not in top */                           \
  X(kNearMean, "near_mean")                /* best similarity a word, all evidence */       \
  X(kNearMin, "near_min")                                                                   \
  X(kNearLow2, "near_low2") /* mean of the two lowest */                                    \
  X(kNearTopMean, "near_top_mean")                                                          \
  X(kNearTopMin, "near_top_min")                                                            \
  X(kNearBestMean, "near_best_mean")                                                        \
  X(kNearBestMin, "near_best_min")                                                          \
  X(kFarShare, "far_share") /* words without a near one */                                  \
  X(kFarMax, "far_max")     /* rarity times distance, largest */                            \
  X(kFarSum, "far_sum")                                                                     \
  X(kFarBestSum, "far_best_sum")                                                            \
  X(kFarBestMax, "far_best_max")                                                            \
  X(kNeighboursTogether, "neighbours_together") /* neighbour words in one sentence */       \
  X(kBigrams, "bigrams")                        /* neighbour words that are so there too */ \
  X(kAlignedShare, "aligned_share")             /* rarity share of equal aligned words */   \
  X(kAlignedRest, "aligned_rest")               /* without names and numbers not met */     \
  X(kEvidenceAligned, "evidence_aligned")       /* the same of best's words */              \
  X(kEvidenceCovered, "evidence_covered")       /* best's words that the claim has */       \
  X(kSlots, "slots")                            /* other words at the same place */         \
  X(kSlotSimilarity, "slot_similarity")         /* lowest */                                \
  X(kSlotRarity, "slot_rarity")                 /* highest */                               \
  X(kSlotSingle, "slot_single")                 /* one word for one word */                 \
  X(kSlotNames, "slot_names")                   /* capitalised for capitalised */           \
  X(kSlotScore, "slot_score")                   /* learned: such a swap contradicts */      \
  X(kInserted, "inserted")                      /* words with nothing at their place */     \
  X(kInsertedRarity, "inserted_rarity")                                                     \
  X(kDropped, "dropped") /* evidence words without counterpart */                           \
  X(kNegationInserted, "negation_inserted")                                                 \
  X(kNegationDropped, "negation_dropped")                                                   \
  X(kInversions, "inversions") /* neighbour words in turned order */                        \
  X(kNames, "names")                                                                        \
  X(kNamesNew, "names_new") /* in no evidence */                                            \
  X(kNamesNotBest, "names_not_best")                                                        \
  X(kCapitalsNew, "capitals_new") /* capitalised words in no evidence */                    \
  X(kQuantities, "quantities")                                                              \
  X(kQuantitiesNew, "quantities_new") /* match no evidence */                               \
  X(kQuantitiesNotTop, "quantities_not_top")                                                \
  X(kQuantitiesNotBest, "quantities_not_best")                                              \
  X(kQuantitiesDiffer, "quantities_differ") /* another value of the same kind */            \
  X(kNegations, "negations")                                                                \
  X(kNegationsBest, "negations_best")                                                       \
  X(kNegationParity, "negation_parity") /* odd on one side only */                          \
  X(kNegationNew, "negation_new")       /* none in top */                                   \
  X(kNegatedDiffers, "negated_differs") /* share of aligned words */                        \
  X(kAntonyms, "antonyms")              /* of unmatched words */                            \
  X(kAntonymSlots, "antonym_slots")                                                         \
  X(kHedges, "hedges")                                                                      \
  X(kHedgesBest, "hedges_best")                                                             \
  X(kObligationDiffers, "obligation_differs")                                               \
  X(kPermissionDiffers, "permission_differs")                                               \
  X(kQuantifier, "quantifier") /* strongest of the claim */                                 \
  X(kQuantifierNew, "quantifier_new")                                                       \
  X(kComparison, "comparison") /* ups minus downs */                                        \
  X(kComparisonBest, "comparison_best")                                                     \
  X(kDerivedShare, "derived_share") /* adjectives and adverbs by ending */                  \
  X(kSaysUnanswerable, "says_unanswerable")                                                 \
  X(kConcludes, "concludes") /* "Overall, ..." */                                           \
  X(kEndsInColon, "ends_in_colon")                                                          \
  X(kEvidenceSentences, "evidence_sentences") /* at most 60 */                              \
  X(kEvidenceWords, "evidence_words")         /* log1p */                                   \
  X(kBestWords, "best_words")                                                               \
  X(kFieldAgrees, "field_agrees")        /* fields of records, counts */                    \
  X(kFieldFalse, "field_false")          /* said, and the field is false */                 \
  X(kFieldPartFalse, "field_part_false") /* the same of a nested field */                   \
  X(kFieldNull, "field_null")            /* said, and the field is null */                  \
  X(kFieldDenied, "field_denied")        /* denied, and the field is true */                \
  X(kFieldDeniedNull, "field_denied_null")                                                  \
  X(kTimes, "times")                                                                        \
  X(kTimesNew, "times_new")       /* at no opening or closing */                            \
  X(kHoursDiffer, "hours_differ") /* weekdays whose hours are others */

enum class Feature : std::size_t {
#define ASSAY_FEATURE_ENUMERATOR(enumerator, name) enumerator,
  ASSAY_CLAIM_FEATURES(ASSAY_FEATURE_ENUMERATOR)
#undef ASSAY_FEATURE_ENUMERATOR
      kCount,
};

inline constexpr std::size_t kFeatureCount = static_cast<std::size_t>(Feature::kCount);

inline constexpr std::array<std::string_view, kFeatureCount> kFeatureNames = {
#define ASSAY_FEATURE_NAME(enumerator, name) name,
    ASSAY_CLAIM_FEATURES(ASSAY_FEATURE_NAME)
#undef ASSAY_FEATURE_NAME
};

class FeatureVector {
 public:
  [[nodiscard]] float& operator[](Feature feature) {
    return values_[static_cast<std::size_t>(feature)];
  }
  [[nodiscard]] float operator[](Feature feature) const {
    return values_[static_cast<std::size_t>(feature)];
  }
  [[nodiscard]] const std::array<float, kFeatureCount>& values() const { return values_; }

 private:
  std::array<float, kFeatureCount> values_{};
};

}  // namespace assay::claims::internal
