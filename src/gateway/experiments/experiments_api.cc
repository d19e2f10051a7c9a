#include <string>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "cluster/shared_experiments_internal.h"
#include "experiments/experiments_api_internal.h"
#include "experiments/experiments_json_internal.h"

namespace assay::gateway {
namespace {

namespace json = boost::json;

HttpReply Missing(std::string_view id) {
  return ErrorReply(ApiError{.status = 404,
                             .type = ErrorTypeOf(404),
                             .code = "experiment_not_found",
                             .param = "id",
                             .message = fmt::format("There is no experiment '{}'.", id)});
}

HttpReply Refused(const Error& error) {
  if (error.code == Code::kInvalidArgument) {
    return ErrorReply(ApiError{.status = 400,
                               .type = ErrorTypeOf(400),
                               .code = "invalid_outcome",
                               .message = error.message});
  }
  if (error.code == Code::kAlreadyExists) {
    return ErrorReply(ApiError{.status = 409,
                               .type = ErrorTypeOf(409),
                               .code = "outcome_conflict",
                               .message = error.message});
  }
  if (error.code == Code::kNotFound) {
    return ErrorReply(ApiError{
        .status = 404, .type = ErrorTypeOf(404), .code = "not_exposed", .message = error.message});
  }
  return ErrorReply(error);
}

}  // namespace

std::string ListExperiments(const LiveSet* set) {
  json::array list;
  if (set != nullptr) {
    for (const LiveExperimentView& one : set->all()) {
      list.push_back(ExperimentRow(one.store->Report()));
    }
  }
  return json::serialize(json::object{{"experiments", std::move(list)}});
}

Result<std::string> ReportExperiment(const LiveSet* set, std::string_view id) {
  const LiveExperimentView* const one = set == nullptr ? nullptr : set->Find(id);
  if (one == nullptr) {
    return Fail(Code::kNotFound, fmt::format("There is no experiment '{}'.", id));
  }
  return json::serialize(ExperimentJson(one->store->Report()));
}

namespace {

HttpReply TakeOutcome(const SharedExperiments* shared, const LiveExperimentView& one,
                      const HttpRequest& request) {
  auto outcome = ReadOutcome(request.body);
  if (!outcome) return Refused(outcome.error());
  outcome->tenant = request.tenant.empty() ? "default" : request.tenant;
  const auto recorded = one.store->Record(
      *outcome, shared == nullptr ? ElsewhereOutcome() : shared->Look(one.settings.name, *outcome));
  if (!recorded) return Refused(recorded.error());
  // Before the answer: who asks again may reach another gateway.
  if (shared != nullptr) shared->Note(one.settings.name, *outcome);
  return HttpReply::Json(json::serialize(json::object{{"experiment", one.settings.name},
                                                      {"variant", recorded->variant},
                                                      {"recorded", recorded->recorded},
                                                      {"repeated", recorded->repeated}}));
}

HttpReply SetStopped(const LiveExperimentView& one, bool stopped) {
  if (auto set = one.store->SetStopped(stopped); !set) return ErrorReply(set.error());
  return HttpReply::Json(
      json::serialize(json::object{{"id", one.settings.name}, {"running", one.store->running()}}));
}

}  // namespace

Result<void> AddExperimentsApi(Router& router, const ExperimentsApiParts& parts) {
  ASSAY_TRY(
      router.Add("GET", "/v1/experiments", Scope::kAdmin, [live = parts.live](const HttpRequest&) {
        return HttpReply::Json(ListExperiments(live().get()));
      }));
  using Answer = std::function<HttpReply(const LiveExperimentView&, const HttpRequest&)>;
  const auto add = [&](std::string_view method, std::string_view pattern, Scope scope,
                       Answer answer) {
    return router.Add(method, pattern, scope,
                      [live = parts.live, answer = std::move(answer)](const HttpRequest& request) {
                        const std::shared_ptr<const LiveSet> set = live();
                        const std::string_view id = request.PathParameter("id");
                        const LiveExperimentView* one = set ? set->Find(id) : nullptr;
                        return one == nullptr ? Missing(id) : answer(*one, request);
                      });
  };
  ASSAY_TRY(add("GET", "/v1/experiments/{id}", Scope::kAdmin,
                [](const LiveExperimentView& one, const HttpRequest&) {
                  return HttpReply::Json(json::serialize(ExperimentJson(one.store->Report())));
                }));
  ASSAY_TRY(add("POST", "/v1/experiments/{id}/outcome", Scope::kInference,
                [shared = parts.shared](const LiveExperimentView& one, const HttpRequest& request) {
                  return TakeOutcome(shared, one, request);
                }));
  for (const bool stop : {true, false}) {
    ASSAY_TRY(add(
        "POST", stop ? "/v1/experiments/{id}/stop" : "/v1/experiments/{id}/start", Scope::kAdmin,
        [stop, note = parts.note](const LiveExperimentView& one, const HttpRequest& request) {
          HttpReply reply = SetStopped(one, stop);
          if (reply.status == 200 && note) {
            note(stop ? "experiment.stop" : "experiment.start", one.settings.name, request.key_id);
          }
          return reply;
        }));
  }
  return {};
}

}  // namespace assay::gateway
