#include "assay/claims/verdict.h"

namespace assay::claims {

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSupported:
      return "supported";
    case Verdict::kContradicted:
      return "contradicted";
    case Verdict::kUnverified:
      return "unverified";
  }
  return "unverified";
}

std::string_view FactKindName(FactKind kind) {
  switch (kind) {
    case FactKind::kQuantity:
      return "quantity";
    case FactKind::kName:
      return "name";
    case FactKind::kNegation:
      return "negation";
    case FactKind::kAntonym:
      return "antonym";
    case FactKind::kQuantifier:
      return "quantifier";
    case FactKind::kModality:
      return "modality";
    case FactKind::kOrder:
      return "order";
    case FactKind::kField:
      return "field";
    case FactKind::kWord:
      return "word";
  }
  return "word";
}

}  // namespace assay::claims
