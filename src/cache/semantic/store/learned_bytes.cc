// What was learned, as bytes. The budget and the window are settings and not part of it.
#include <cmath>
#include <utility>

#include "assay/cache/semantic/same_answer.h"

#include "semantic/model/budget_internal.h"
#include "semantic/store/bytes_internal.h"

namespace assay::cache {
namespace {

bool AllFinite(const PairFeatures& features) {
  for (const float value : features.values) {
    if (!std::isfinite(value)) return false;
  }
  return true;
}

}  // namespace

std::string SameAnswerLearner::Save() const {
  std::string bytes;
  internal::FieldWriter out(bytes);
  for (const LogisticModel& model : models_) out.Put(model.weights());
  out.Put(threshold_);
  out.Put(std::uint8_t{calibrated_});
  out.Put(first_request_);
  out.Put(std::uint64_t{unfitted_});
  out.Put(static_cast<std::uint32_t>(examples_.size()));
  for (std::size_t i = 0; i < examples_.size(); ++i) {
    out.Put(examples_[i].features.values);
    out.Put(examples_[i].weight);
    out.Put(std::uint8_t{examples_[i].same});
    out.Put(halves_[i]);
  }
  out.Put(static_cast<std::uint32_t>(requests_.size()));
  for (const Request& request : requests_) {
    out.Put(std::uint8_t{request.has_score});
    if (!request.has_score) continue;
    out.Put(request.features.values);
    out.Put(request.weight);
    out.Put(std::uint8_t{request.wrong});
  }
  return bytes;
}

bool SameAnswerLearner::Load(std::string_view bytes) {
  internal::FieldReader in(bytes);
  SameAnswerLearner loaded(options_);
  for (LogisticModel& model : loaded.models_) {
    std::array<double, kPairFeatures> weights{};
    in.Get(weights);
    for (const double weight : weights) {
      if (!std::isfinite(weight)) in.Fail();
    }
    model.SetWeights(weights);
  }
  in.Get(loaded.threshold_);
  loaded.calibrated_ = in.GetFlag();
  in.Get(loaded.first_request_);
  std::uint64_t unfitted = 0;
  in.Get(unfitted);
  loaded.unfitted_ = unfitted;
  std::uint32_t examples = 0;
  in.Get(examples);
  for (std::uint32_t i = 0; i < examples && in.ok(); ++i) {
    LogisticModel::Example& example = loaded.examples_.emplace_back();
    in.Get(example.features.values);
    in.Get(example.weight);
    example.same = in.GetFlag();
    loaded.halves_.push_back(in.GetFlag() ? 1 : 0);
    if (!AllFinite(example.features) || !std::isfinite(example.weight)) in.Fail();
  }
  std::uint32_t requests = 0;
  in.Get(requests);
  for (std::uint32_t i = 0; i < requests && in.ok(); ++i) {
    Request& request = loaded.requests_.emplace_back();
    request.has_score = in.GetFlag();
    if (!request.has_score) continue;
    in.Get(request.features.values);
    in.Get(request.weight);
    request.wrong = in.GetFlag();
    if (!AllFinite(request.features) || !std::isfinite(request.weight)) in.Fail();
  }
  if (!in.done() || !std::isfinite(loaded.threshold_)) return false;
  *this = std::move(loaded);
  return true;
}

}  // namespace assay::cache

namespace assay::cache::internal {

std::string BudgetGuard::Save() const {
  std::string bytes;
  FieldWriter out(bytes);
  for (const std::uint64_t value : {requests_, hits_, checked_, wrong_, since_open_,
                                    wrong_since_open_, trials_, wrong_trials_}) {
    out.Put(value);
  }
  out.Put(std::uint8_t{open_});
  out.Put(static_cast<std::uint32_t>(recent_.size()));
  for (const bool wrong : recent_) out.Put(std::uint8_t{wrong});
  return bytes;
}

bool BudgetGuard::Load(std::string_view bytes) {
  FieldReader in(bytes);
  BudgetGuard loaded(budget_);
  for (std::uint64_t* value :
       {&loaded.requests_, &loaded.hits_, &loaded.checked_, &loaded.wrong_, &loaded.since_open_,
        &loaded.wrong_since_open_, &loaded.trials_, &loaded.wrong_trials_}) {
    in.Get(*value);
  }
  loaded.open_ = in.GetFlag();
  std::uint32_t recent = 0;
  in.Get(recent);
  if (recent > kRecent) in.Fail();
  for (std::uint32_t i = 0; i < recent && in.ok(); ++i) loaded.recent_.push_back(in.GetFlag());
  const bool holds = loaded.hits_ <= loaded.requests_ && loaded.wrong_ <= loaded.checked_ &&
                     loaded.recent_.size() <= loaded.checked_ &&
                     loaded.wrong_since_open_ <= loaded.since_open_;
  if (!in.done() || !holds) return false;
  *this = loaded;
  return true;
}

}  // namespace assay::cache::internal
