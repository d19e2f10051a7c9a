#include <algorithm>
#include <cmath>

#include "assay/core/parallel.h"
#include "assay/text/similarity/word_bags.h"

#include "merge/agreement_internal.h"

namespace assay::consensus::internal {
namespace {

// Cosine of two rows of length 1, or 0 for a row of zeros.
double Cosine(std::span<const float> rows, std::size_t dim, std::size_t i, std::size_t j) {
  float sum = 0;
  const float* a = rows.data() + i * dim;
  const float* b = rows.data() + j * dim;
  for (std::size_t k = 0; k < dim; ++k) sum += a[k] * b[k];
  return std::clamp(static_cast<double>(sum), 0.0, 1.0);
}

}  // namespace

Result<std::vector<double>> MeaningMatrix(std::span<const std::string_view> texts,
                                          const embed::Encoder* encoder, bool parallel) {
  if (encoder == nullptr) return text::WordBags(texts).Cosine();
  const std::size_t n = texts.size();
  const std::size_t dim = encoder->dim();
  std::vector<float> rows(n * dim);
  if (parallel) {
    ASSAY_TRY(core::ParallelTry(n, 1, [&](std::size_t begin, std::size_t end) {
      return encoder->Encode(texts.subspan(begin, end - begin),
                             std::span(rows).subspan(begin * dim, (end - begin) * dim));
    }));
  } else {
    ASSAY_TRY(encoder->Encode(texts, rows));
  }
  std::vector<double> out(n * n, 1.0);
  const auto fill = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t j = i + 1; j < n; ++j) {
        const double value = texts[i] == texts[j] ? 1.0 : Cosine(rows, dim, i, j);
        out[i * n + j] = out[j * n + i] = value;
      }
    }
  };
  if (parallel && n > 64) {
    core::ParallelFor(n, 8, fill);
  } else {
    fill(0, n);
  }
  return out;
}

FinalKind KindOfFinals(std::span<const std::string_view> texts) {
  std::array<std::size_t, 5> count{};
  for (const std::string_view text : texts) {
    ++count[static_cast<std::size_t>(ExtractFinal(text).kind)];
  }
  for (const FinalKind kind : {FinalKind::kNumber, FinalKind::kChoice, FinalKind::kYesNo}) {
    if (2 * count[static_cast<std::size_t>(kind)] >= texts.size()) return kind;
  }
  return FinalKind::kNone;
}

void RefineByFinals(std::span<const FinalAnswer> finals, std::vector<double>& agreement) {
  const std::size_t n = finals.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      const FinalAnswer& a = finals[i];
      const FinalAnswer& b = finals[j];
      if (a.kind == FinalKind::kNone || b.kind == FinalKind::kNone) continue;
      double& value = agreement[i * n + j];
      if (SameFinal(a, b)) {
        value = 1;
      } else if (a.kind == b.kind && a.kind != FinalKind::kText) {
        value = 0;  // two numbers, two letters, yes and no
      }
      agreement[j * n + i] = value;
    }
  }
}

}  // namespace assay::consensus::internal
