#include "assay/gateway/claims_api.h"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/claims/json.h"
#include "assay/text/utf8.h"

#include "checks/judge_claims_internal.h"
#include "checks/verify_batcher_internal.h"

namespace assay::gateway {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxDepth = 8;  // the deepest valid body has three levels

// What is wrong with a body, as the error that the client gets.
struct BodyError {
  std::string param;
  std::string message;
};

template <typename T>
using Parsed = std::expected<T, BodyError>;

std::unexpected<BodyError> Bad(std::string param, std::string message) {
  return std::unexpected(BodyError{std::move(param), std::move(message)});
}

HttpReply BadRequest(const BodyError& error) {
  return ErrorReply(ApiError{.status = 400,
                             .type = "invalid_request_error",
                             .code = "invalid_body",
                             .param = error.param,
                             .message = error.message});
}

Parsed<object> ParseBody(const std::string& body, std::initializer_list<std::string_view> known) {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  value parsed = boost::json::parse(body, error, {}, options);
  if (error) {
    return Bad("", fmt::format("the body is not valid JSON: {}", error.message()));
  }
  object* members = parsed.if_object();
  if (members == nullptr) return Bad("", "the body must be a JSON object");
  for (const auto& member : *members) {
    if (std::find(known.begin(), known.end(), std::string_view(member.key())) == known.end()) {
      return Bad(std::string(member.key()),
                 fmt::format("unknown field \"{}\"; known are: {}", std::string_view(member.key()),
                             fmt::join(known, ", ")));
    }
  }
  return std::move(*members);
}

Parsed<std::string> TextOf(const value& member, const std::string& path) {
  const boost::json::string* text = member.if_string();
  if (text == nullptr) return Bad(path, fmt::format("\"{}\" must be a string", path));
  return std::string(*text);
}

// The strings of `single`, or of the list `several`: exactly one of the two must be there.
struct Texts {
  std::vector<std::string> texts;
  bool single = false;
};

Parsed<std::string> ItemOf(const value& item, std::string_view single, const std::string& path) {
  const object* wrapped = item.if_object();
  if (wrapped == nullptr) return TextOf(item, path);
  const value* inner = wrapped->if_contains(single);
  if (inner == nullptr || wrapped->size() != 1) {
    return Bad(path, fmt::format("\"{}\" must be a string or {{\"{}\": string}}", path, single));
  }
  return TextOf(*inner, fmt::format("{}.{}", path, single));
}

Parsed<Texts> TextsOf(const object& body, std::string_view single, std::string_view several,
                      std::size_t max_texts) {
  const value* one = body.if_contains(single);
  const value* list = body.if_contains(several);
  if ((one == nullptr) == (list == nullptr)) {
    return Bad(std::string(single), fmt::format("give either \"{}\" or \"{}\"", single, several));
  }
  Texts result;
  if (one != nullptr) {
    auto text = TextOf(*one, std::string(single));
    if (!text) return std::unexpected(std::move(text).error());
    result.texts.push_back(*std::move(text));
    result.single = true;
    return result;
  }
  const array* items = list->if_array();
  if (items == nullptr) {
    return Bad(std::string(several), fmt::format("\"{}\" must be a list", several));
  }
  if (items->size() > max_texts) {
    return Bad(std::string(several), fmt::format("\"{}\" holds {} items, at most {} are taken",
                                                 several, items->size(), max_texts));
  }
  for (std::size_t i = 0; i < items->size(); ++i) {
    auto text = ItemOf((*items)[i], single, fmt::format("{}[{}]", several, i));
    if (!text) return std::unexpected(std::move(text).error());
    result.texts.push_back(*std::move(text));
  }
  return result;
}

HttpReply ExtractReply(const HttpRequest& request, const claims::Extractor& extractor,
                       std::size_t max_texts) {
  auto body = ParseBody(request.body, {"text", "texts"});
  if (!body) return BadRequest(body.error());
  auto texts = TextsOf(*body, "text", "texts", max_texts);
  if (!texts) return BadRequest(texts.error());
  array results;
  for (const std::string& text : texts->texts) {
    array sentences;
    for (const claims::ExtractedSentence& sentence : extractor.Extract(text)) {
      sentences.push_back(claims::ToJson(sentence, text));
    }
    results.push_back(object{{"sentences", std::move(sentences)}});
  }
  if (texts->single) return HttpReply::Json(boost::json::serialize(results.front()));
  return HttpReply::Json(boost::json::serialize(object{{"results", std::move(results)}}));
}

claims::Claim WholeText(const std::string& text) {
  claims::Claim claim;
  claim.span = {0, static_cast<std::uint32_t>(text.size())};
  claim.text = text;
  return claim;
}

HttpReply CheckReply(const AnswerChecker& checker, const std::string& answer,
                     const std::string& question) {
  const auto checked = CheckWithJudge(checker, answer, question);
  if (!checked) return ErrorReply(checked.error());
  array claims;
  for (const CheckedClaim& item : checked->claims) {
    claims.push_back(ToJson(item));
  }
  return HttpReply::Json(
      boost::json::serialize(object{{"claims", std::move(claims)},
                                    {"summary", claims::ToJson(checked->summary)},
                                    {"unchecked_claims", checked->unchecked_claims},
                                    {"documents_version", checker.Version()}}));
}

// The three handlers with what they share.
class Api {
 public:
  Api(CheckerOfRoute checker_of_route, const ClaimsApiOptions& options)
      : checker_of_route_(std::move(checker_of_route)), options_(options) {}

  [[nodiscard]] HttpReply Extract(const HttpRequest& request) const {
    return ExtractReply(request, extractor_, options_.max_texts);
  }

  [[nodiscard]] HttpReply Verify(const HttpRequest& request) {
    auto body = ParseBody(request.body, {"claim", "claims", "route"});
    if (!body) return BadRequest(body.error());
    auto texts = TextsOf(*body, "claim", "claims", options_.max_texts);
    if (!texts) return BadRequest(texts.error());
    const auto checker = CheckerFor(*body);
    if (!checker) return checker.error();
    const std::vector<std::string_view> views(texts->texts.begin(), texts->texts.end());
    auto judgements = BatcherOf(**checker).Verify(views);
    if (!judgements) return ErrorReply(judgements.error());
    std::vector<CheckedClaim> checked;
    for (std::size_t i = 0; i < judgements->size(); ++i) {
      checked.push_back({WholeText(texts->texts[i]), std::move((*judgements)[i])});
    }
    (void)TakeKnown(**checker, checked);  // nobody is asked for single claims
    array results;
    for (const CheckedClaim& item : checked) results.push_back(ToJson(item));
    if (texts->single) return HttpReply::Json(boost::json::serialize(results.front()));
    return HttpReply::Json(boost::json::serialize(
        object{{"results", std::move(results)}, {"summary", claims::ToJson(SummaryOf(checked))}}));
  }

  [[nodiscard]] HttpReply Check(const HttpRequest& request) const {
    auto body = ParseBody(request.body, {"answer", "question", "route"});
    if (!body) return BadRequest(body.error());
    const value* member = body->if_contains("answer");
    if (member == nullptr) return BadRequest({"answer", "\"answer\" is missing"});
    auto answer = TextOf(*member, "answer");
    if (!answer) return BadRequest(answer.error());
    Parsed<std::string> question;
    if (const value* asked = body->if_contains("question"); asked != nullptr) {
      question = TextOf(*asked, "question");
      if (!question) return BadRequest(question.error());
    }
    const auto checker = CheckerFor(*body);
    if (!checker) return checker.error();
    return CheckReply(**checker, *answer, *question);
  }

 private:
  [[nodiscard]] std::expected<const AnswerChecker*, HttpReply> CheckerFor(
      const object& body) const {
    std::string route;
    if (const value* member = body.if_contains("route"); member != nullptr) {
      auto text = TextOf(*member, "route");
      if (!text) return std::unexpected(BadRequest(text.error()));
      route = *std::move(text);
    }
    if (const AnswerChecker* checker = checker_of_route_(route); checker != nullptr) {
      return checker;
    }
    return std::unexpected(ErrorReply(
        ApiError{.status = 412,
                 .type = "invalid_request_error",
                 .code = "no_documents",
                 .param = "route",
                 .message = route.empty()
                                ? "no documents to check against: start with `--docs DIR`, or name "
                                  "`documents` on a route"
                                : fmt::format("the route \"{}\" has no documents", route)}));
  }

  internal::VerifyBatcher& BatcherOf(const AnswerChecker& checker) {
    const std::lock_guard lock(mutex_);
    auto& batcher = batchers_[&checker];
    if (batcher == nullptr) {
      batcher = std::make_unique<internal::VerifyBatcher>(
          checker, internal::VerifyBatcherOptions{
                       .window = std::chrono::milliseconds(options_.batch_window_ms)});
    }
    return *batcher;
  }

  CheckerOfRoute checker_of_route_;
  ClaimsApiOptions options_;
  claims::Extractor extractor_;
  std::mutex mutex_;
  std::map<const AnswerChecker*, std::unique_ptr<internal::VerifyBatcher>>
      batchers_;  // guarded by mutex_; one for each set of documents
};

}  // namespace

Result<void> AddClaimsApi(Router& router, CheckerOfRoute checker_of_route,
                          const ClaimsApiOptions& options) {
  const auto api = std::make_shared<Api>(std::move(checker_of_route), options);
  ASSAY_TRY(router.Add("POST", "/v1/claims/extract", Scope::kClaims,
                       [api](const HttpRequest& request) { return api->Extract(request); }));
  ASSAY_TRY(router.Add("POST", "/v1/claims/verify", Scope::kClaims,
                       [api](const HttpRequest& request) { return api->Verify(request); }));
  return router.Add("POST", "/v1/check", Scope::kClaims,
                    [api](const HttpRequest& request) { return api->Check(request); });
}

}  // namespace assay::gateway
