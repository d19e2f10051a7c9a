#include <algorithm>
#include <iterator>
#include <optional>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/claims/json.h"

#include "checks/check_claims_internal.h"
#include "checks/judge_claims_internal.h"
#include "coroutine/signal_internal.h"

namespace assay::gateway {
namespace {

constexpr std::size_t kMaxJsonDepth = 64;

std::optional<boost::json::object> ParseObject(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::system::error_code error;
  boost::json::value parsed = boost::json::parse(text, error, {}, options);
  if (error || !parsed.is_object()) return std::nullopt;
  return std::move(parsed.as_object());
}

std::string_view StringOf(const boost::json::object& object, std::string_view name) {
  const boost::json::value* member = object.if_contains(name);
  if (member == nullptr || !member->is_string()) return {};
  return member->get_string();
}

std::string_view TextOfChoice(const boost::json::value& choice) {
  const boost::json::object* members = choice.if_object();
  if (members == nullptr) return {};
  if (const boost::json::value* message = members->if_contains("message");
      message != nullptr && message->is_object()) {
    return StringOf(message->get_object(), "content");
  }
  return StringOf(*members, "text");
}

// A message's text: a string, or the texts of its parts.
std::string ContentOf(const boost::json::object& message) {
  std::string text(StringOf(message, "content"));
  const boost::json::value* parts = message.if_contains("content");
  if (parts == nullptr || !parts->is_array()) return text;
  for (const boost::json::value& part : parts->get_array()) {
    const boost::json::object* members = part.if_object();
    if (members != nullptr) text += StringOf(*members, "text");
  }
  return text;
}

// The members that an event shares with the chunks of its stream, so that clients take it for one.
std::string PrefaceOf(std::string_view first_chunk) {
  const auto chunk = ParseObject(first_chunk);
  boost::json::object preface;
  bool completion = false;
  for (const std::string_view name : {"id", "object", "created", "model"}) {
    if (!chunk) break;
    if (const boost::json::value* member = chunk->if_contains(name)) preface[name] = *member;
    completion = completion || StringOf(*chunk, name) == "text_completion";
  }
  boost::json::object choice = {{"index", 0}};
  if (completion) {
    choice["text"] = "";
  } else {
    choice["delta"] = boost::json::object();
  }
  choice["finish_reason"] = nullptr;
  preface["choices"] = boost::json::array{std::move(choice)};
  std::string text = boost::json::serialize(preface);
  text.pop_back();  // the closing brace: each event adds a member
  return text;
}

// An answer on its way from the compute pool.
struct Checked {
  bool judged = false;
  std::vector<CheckedClaim> claims;
  UncertainPart uncertain;
};

CheckOutcome OutcomeOf(const Checked& checked) {
  CheckOutcome outcome{.verdict = std::string(kUnchecked), .claims = {}};
  if (!checked.judged) return outcome;
  outcome.verdict = VerdictHeader(SummaryOf(checked.claims));
  for (const CheckedClaim& claim : checked.claims) outcome.claims.push_back(ToClaimVerdict(claim));
  return outcome;
}

bool EndsSentence(std::string_view text) {
  return text.find_first_of(".!?\n:;") != std::string_view::npos;
}

}  // namespace

std::string AnswerTextOf(std::string_view answer_json) {
  std::string text;
  const auto answer = ParseObject(answer_json);
  if (!answer) return text;
  const boost::json::value* choices = answer->if_contains("choices");
  if (choices == nullptr || !choices->is_array()) return text;
  for (const boost::json::value& choice : choices->get_array()) {
    const std::string_view content = TextOfChoice(choice);
    if (content.empty()) continue;
    if (!text.empty()) text += "\n\n";
    text += content;
  }
  return text;
}

std::string QuestionOf(std::string_view request_json) {
  std::string question;
  const auto request = ParseObject(request_json);
  if (!request) return question;
  const boost::json::value* messages = request->if_contains("messages");
  if (messages == nullptr || !messages->is_array()) return question;
  for (const boost::json::value& message : messages->get_array()) {
    const boost::json::object* members = message.if_object();
    if (members != nullptr && StringOf(*members, "role") == "user") question = ContentOf(*members);
  }
  return question;
}

asio::awaitable<CheckOutcome> CheckAnswer(const AnswerChecker& checker, ComputePool& compute,
                                          std::string_view request_json,
                                          std::string_view answer_json) {
  const auto result = std::make_shared<HandOver<Checked>>(co_await asio::this_coro::executor);
  const bool offered = compute.Offer([to = result, &checker, request = std::string(request_json),
                                      answer = std::string(answer_json)]() mutable {
    Checked found;
    if (auto checked = checker.Check(AnswerTextOf(answer), QuestionOf(request))) {
      found.uncertain = TakeKnown(checker, checked->claims);
      found.claims = std::move(checked->claims);
      found.judged = true;
    }
    HandOver<Checked>::Give(std::move(to), std::move(found));
  });
  Checked found;
  if (offered) found = co_await result->Take();
  if (!found.uncertain.empty()) {
    const JudgeReply reply = co_await AskJudge(checker, found.uncertain);
    TakeOpinions(found.uncertain, reply, found.claims);
  }
  co_return OutcomeOf(found);
}

// What the I/O thread and the job on the compute pool share. At most one job runs at a time, so the
// StreamingCheck needs no lock.
struct CheckingSink::Judging {
  Judging(const AnswerChecker& checker, std::string_view question, const asio::any_io_executor& io)
      : check(checker, question), executor(io), changed(io) {}

  StreamingCheck check;  // of the running job
  asio::any_io_executor executor;

  // All below belongs to the I/O thread.
  std::string text;                 // waits to be judged
  bool ended = false;               // no more text will come
  bool running = false;             // a job is queued or runs
  bool finished = false;            // all text is judged
  bool failed = false;              // a judgement could not be made
  std::vector<CheckedClaim> ready;  // judged, not sent yet
  std::vector<CheckedClaim> sent;
  Signal changed;  // set when all is judged, or never will be
};

CheckingSink::CheckingSink(ChunkSink& next, const ChatStreamAssembler& text,
                           const AnswerChecker& checker, ComputePool& compute,
                           std::string_view request_json)
    : next_(next), text_(text), checker_(checker), compute_(compute), request_json_(request_json) {}

CheckingSink::~CheckingSink() = default;

asio::awaitable<Result<void>> CheckingSink::Head(const UpstreamHead& head) {
  judging_ = std::make_shared<Judging>(checker_, QuestionOf(request_json_),
                                       co_await asio::this_coro::executor);
  co_return co_await next_.Head(head);
}

asio::awaitable<Result<void>> CheckingSink::Chunk(std::string_view bytes) {
  const std::size_t held_before = held_.size();
  held_ += bytes;
  std::size_t whole = 0;  // end of the last whole event before [DONE]
  bool done = false;
  const auto read = reader_.Feed(bytes, [&](const SseEvent& event, std::size_t end) {
    done = event.data == "[DONE]";
    if (done) return false;
    if (preface_.empty()) preface_ = PrefaceOf(event.data);
    whole = held_before + end;
    return true;
  });
  if (!read) co_return std::unexpected(read.error());
  if (whole > 0) {
    const Result<void> sent = co_await next_.Chunk(std::string_view(held_).substr(0, whole));
    if (!sent) co_return sent;
    held_.erase(0, whole);
  }
  TakeNewText(done);
  if (done) co_await judging_->changed.Wait();
  const Result<void> sent = co_await SendVerdicts(done);
  if (!sent || !done) co_return sent;
  co_return co_await next_.Chunk(std::exchange(held_, {}));
}

// Hands text on when a sentence may be finished in it: one is by what comes after its end.
void CheckingSink::TakeNewText(bool ended) {
  const std::string_view all = text_.text();
  const std::string_view fresh = all.substr(std::min(seen_, all.size()));
  if (!ended && (fresh.empty() || !std::exchange(sentence_ended_, EndsSentence(fresh)))) return;
  judging_->text += fresh;
  judging_->ended = ended;
  seen_ = all.size();
  Judge(judging_, compute_);
}

// On the I/O thread again.
void CheckingSink::TakeJudged(const std::shared_ptr<Judging>& judging, Judged judged, bool ended,
                              ComputePool& compute) {
  judging->running = false;
  judging->failed = judging->failed || !judged;
  if (judged) std::move(judged->begin(), judged->end(), std::back_inserter(judging->ready));
  judging->finished = ended;
  if (ended) {
    judging->changed.Set();
  } else if (judging->ended || !judging->text.empty()) {
    Judge(judging, compute);
  }
}

void CheckingSink::Judge(const std::shared_ptr<Judging>& judging, ComputePool& compute) {
  if (judging->running || judging->finished) return;
  judging->running = true;
  const std::string text = std::exchange(judging->text, {});
  // `changed` belongs to the I/O thread: the compute thread gives its share of `judging` away.
  auto job = [shared = judging, &compute, text, ended = judging->ended]() mutable {
    Judged judged = shared->check.Feed(text);
    if (judged && ended) {
      Judged rest = shared->check.Finish();
      if (rest) {
        std::move(rest->begin(), rest->end(), std::back_inserter(*judged));
      } else {
        judged = std::move(rest);
      }
    }
    const asio::any_io_executor executor = shared->executor;
    asio::post(executor,
               [shared = std::move(shared), &compute, ended, judged = std::move(judged)]() mutable {
                 TakeJudged(shared, std::move(judged), ended, compute);
               });
  };
  if (compute.Offer(std::move(job))) return;
  // A full pool: what waits is judged with the next piece, or never.
  judging->running = false;
  judging->text = text;
  if (!judging->ended) return;
  judging->failed = true;
  judging->finished = true;
  judging->changed.Set();
}

asio::awaitable<Result<void>> CheckingSink::SendVerdicts(bool last) {
  std::string events;
  std::vector<CheckedClaim> ready = std::exchange(judging_->ready, {});
  (void)TakeKnown(checker_, ready);  // the rest is asked about once, at the end
  for (CheckedClaim& claim : ready) {
    AppendClaim(claim, events);
    judging_->sent.push_back(std::move(claim));
  }
  if (last) {
    co_await AskJudgeOnce(events);
    AppendEvent("summary", boost::json::serialize(claims::ToJson(SummaryOf(judging_->sent))),
                events);
  }
  if (events.empty()) co_return Result<void>{};
  co_return co_await next_.Chunk(events);
}

// About all uncertain claims of the answer. Those of which it says something are sent again.
asio::awaitable<void> CheckingSink::AskJudgeOnce(std::string& events) {
  std::vector<CheckedClaim>& claims = judging_->sent;
  std::vector<bool> told;
  for (const CheckedClaim& claim : claims) told.push_back(claim.judge.has_value());
  UncertainPart part = TakeKnown(checker_, claims);
  if (!part.empty()) {
    const std::string known = std::exchange(events, {});  // need not wait
    if (!known.empty()) {
      const Result<void> sent = co_await next_.Chunk(known);
      if (!sent) co_return;  // the next chunk fails as well
    }
    const JudgeReply reply = co_await AskJudge(checker_, part);
    TakeOpinions(part, reply, claims);
  }
  for (std::size_t i = 0; i < claims.size(); ++i) {
    if (claims[i].judge && !told[i]) AppendClaim(claims[i], events);
  }
}

void CheckingSink::AppendClaim(const CheckedClaim& claim, std::string& events) const {
  AppendEvent("claim", boost::json::serialize(ToJson(claim)), events);
}

void CheckingSink::AppendEvent(std::string_view member, std::string_view json,
                               std::string& events) const {
  AppendSseEvent(events, "assay.verdict",
                 fmt::format("{},\"assay\":{{\"{}\":{}}}}}",
                             preface_.empty() ? PrefaceOf("{}") : preface_, member, json));
}

CheckOutcome CheckingSink::TakeOutcome() {
  CheckOutcome outcome{.verdict = std::string(kUnchecked), .claims = {}};
  if (!judging_) return outcome;
  if (judging_->finished && !judging_->failed) {
    outcome.verdict = VerdictHeader(SummaryOf(judging_->sent));
  }
  for (const CheckedClaim& claim : judging_->sent) {
    outcome.claims.push_back(ToClaimVerdict(claim));
  }
  return outcome;
}

}  // namespace assay::gateway
