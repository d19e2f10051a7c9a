// Accuracy: how many wrong answers are served, by a model alone and behind Assay.
#include "validate/sections/accuracy.h"

#include <filesystem>
#include <memory>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/corpus/search.h"
#include "assay/experiments/tests.h"

#include "documents_option.h"
#include "encoders.h"
#include "validate/parts/gateway_child.h"
#include "validate/parts/questions.h"
#include "validate/parts/wire.h"
#include "validate/report/figures.h"
#include "validate/sections.h"

namespace assay::cli::validate {
namespace {

constexpr int kModelTimeoutS = 600;
constexpr int kTokens = 40;
constexpr std::size_t kPassages = 2;  // in the prompt
constexpr double kLeastRemoved = 0.5;
constexpr double kLeastKept = 2.0 / 3;

// A base model needs to see the form of an answer: whole sentences on one line.
constexpr std::string_view kShots =
    "The library opens at 9:00 and closes at 17:00. Members may borrow six books.\n"
    "Q: When does the library open?\nA: The library opens at 9:00.\n"
    "Q: How many books may members borrow?\nA: Members may borrow six books.\n";

struct Tally {
  std::uint64_t asked = 0;
  std::uint64_t right = 0;         // of all answers, served or not
  std::uint64_t wrong_served = 0;  // with the verdict `supported`, and wrong
  std::uint64_t right_served = 0;

  [[nodiscard]] std::uint64_t wrong() const { return asked - right; }
};

// The handbook, its questions, and a gateway before the model.
struct Exam {
  std::vector<HeldQuestion> questions;
  std::unique_ptr<embed::Encoder> encoder;
  OpenedDocuments documents;
  std::optional<corpus::Retriever> retriever;
  std::unique_ptr<GatewayChild> gateway;
};

boost::json::object Expert(std::string_view prompt) {
  return {{"upstream", "model"}, {"system", prompt}};
}

Result<Exam> Prepare(Session& session) {
  const Options& options = session.options();
  const std::string handbook =
      std::filesystem::absolute(options.examples + "/handbook").lexically_normal().string();
  Exam out;
  ASSAY_ASSIGN(out.questions, ReadQuestions(options.examples + "/held_questions.yaml"));
  ASSAY_ASSIGN(out.encoder, LoadStaticEncoder());
  ASSAY_ASSIGN(out.documents,
               OpenDocuments(handbook, session.folder() + "/handbook-index", out.encoder.get()));
  ASSAY_ASSIGN(out.retriever, corpus::Retriever::Create(out.documents.index, out.encoder.get()));
  const boost::json::object consensus_route = {{"experts", {"plain", "reader", "quoter"}},
                                               {"policy", "fanout"},
                                               {"deadline", "10 min"},
                                               {"documents", {handbook}}};
  boost::json::object settings = {
      {"limits", {{"request_time", "10 min"}}},
      {"upstreams", {{"model", {{"url", options.upstream}, {"first_byte_time", "10 min"}}}}},
      {"experts",
       {{"plain", Expert("Answer in one short sentence.")},
        {"reader", Expert("Answer in one sentence from the text.")},
        {"quoter", Expert("Repeat the sentence of the text that answers the question.")}}},
      {"routes",
       {{"panel", consensus_route},
        {"*", {{"experts", {"model"}}, {"deadline", "10 min"}, {"documents", {handbook}}}}}}};
  for (const char* name : {"plain", "reader", "quoter"}) {
    settings["experts"].as_object()[name].as_object()["model"] = options.model;
  }
  ASSAY_ASSIGN(out.gateway, GatewayChild::Start(session.folder(), "accuracy", std::move(settings)));
  return out;
}

// The passages that bear on a question, on one line.
Result<std::string> Context(Exam& exam, const std::string& question) {
  ASSAY_ASSIGN(const auto hits, exam.retriever->Retrieve(question, kPassages));
  std::string out;
  for (const corpus::SearchHit& hit : hits) {
    for (const char c : exam.documents.index->passage(hit.passage).text) {
      const bool space = c == '\n' || c == ' ';
      if (!space || (!out.empty() && out.back() != ' ')) out += space ? ' ' : c;
    }
    out += ' ';
  }
  return out;
}

struct Checked {
  std::string answer;
  bool supported = false;
};

Result<Checked> Ask(Exam& exam, const std::string& route, const HeldQuestion& question,
                    bool with_passages) {
  std::string system(kShots);
  if (with_passages) {
    ASSAY_ASSIGN(const std::string context, Context(exam, question.text));
    system += "\n" + context + "\n";
  }
  const std::string body = boost::json::serialize(
      boost::json::object{{"model", route},
                          {"temperature", 0},
                          {"max_tokens", kTokens},
                          {"stop", {"\n"}},
                          {"messages",
                           {{{"role", "system"}, {"content", system}},
                            {{"role", "user"}, {"content", question.text}}}}});
  ASSAY_ASSIGN(Connection connection, Connection::Open(exam.gateway->port(), kModelTimeoutS));
  ASSAY_ASSIGN(const Message message,
               connection.Ask(RequestBytes("POST", "/v1/chat/completions", body)));
  boost::system::error_code error;
  const boost::json::value answer = boost::json::parse(message.body, error);
  const boost::json::value* content =
      error ? nullptr : answer.find_pointer("/choices/0/message/content", error);
  if (message.status() != 200 || content == nullptr || !content->is_string()) {
    return Fail(Code::kUnavailable, fmt::format("'{}' was answered {}: {}", question.text,
                                                message.start, message.body.substr(0, 300)));
  }
  return Checked{std::string(content->get_string()),
                 message.Header("x-assay-verdict") == "supported"};
}

Result<Tally> AskAll(Session& session, Exam& exam, const std::string& route, bool with_passages,
                     std::string_view step) {
  Tally out;
  for (const HeldQuestion& question : exam.questions) {
    session.Step(step, out.asked, exam.questions.size());
    ASSAY_ASSIGN(const Checked checked, Ask(exam, route, question, with_passages));
    const bool right = question.IsRight(checked.answer);
    ++out.asked;
    out.right += right ? 1U : 0U;
    out.right_served += right && checked.supported ? 1U : 0U;
    out.wrong_served += !right && checked.supported ? 1U : 0U;
  }
  return out;
}

// `alone`: what the model itself serves; `behind`: what is served behind Assay. The promise is
// about the wrong answers of the one and the right answers of both.
Finding Compare(std::string name, const Tally& alone, const Tally& behind) {
  Finding out;
  out.section = "accuracy";
  out.name = std::move(name);
  out.claimed = "accuracy 100.0x (of mock data)";
  out.promised = fmt::format(
      "at least {:.0f} % of the model's wrong answers are not served as true, "
      "and {:.0f} % of its right ones are",
      100 * kLeastRemoved, 100 * kLeastKept);
  out.measured = fmt::format(
      "wrong answers served: {} by the model alone, {} behind Assay; right "
      "answers: {} and {}",
      ShareText(alone.wrong(), alone.asked), ShareText(behind.wrong_served, behind.asked),
      alone.right, behind.right_served);
  out.figures = {{"asked", alone.asked},
                 {"wrong_alone", alone.wrong()},
                 {"wrong_served", behind.wrong_served},
                 {"right_alone", alone.right},
                 {"right_served", behind.right_served}};
  if (alone.wrong() == 0) {
    out.reason = "the model made no mistake that could be caught";
    return out;
  }
  if (behind.wrong_served == 0) {
    out.reason =
        fmt::format("a factor of 100 is beyond {} questions: none of {} still allows {:.1f} %",
                    alone.asked, alone.asked, 100 * WilsonInterval(0, alone.asked).high);
  }
  const double removed =
      1 - static_cast<double>(behind.wrong_served) / static_cast<double>(alone.wrong());
  const double kept = alone.right == 0 ? 1
                                       : static_cast<double>(behind.right_served) /
                                             static_cast<double>(alone.right);
  out.verdict =
      removed >= kLeastRemoved && kept >= kLeastKept ? Verdict::kHolds : Verdict::kFallsShort;
  return out;
}

}  // namespace

Result<void> RunAccuracy(Session& session) {
  ASSAY_TRY(MeasureAccuracyOnData(session));
  ASSAY_ASSIGN(Exam exam, Prepare(session));
  const std::string& model = session.options().model;
  ASSAY_ASSIGN(const Tally closed,
               AskAll(session, exam, model, false, "accuracy: the model by heart"));
  session.Add(Compare(fmt::format("{} held questions, by heart; claim check", closed.asked), closed,
                      closed));
  ASSAY_ASSIGN(const Tally open,
               AskAll(session, exam, model, true, "accuracy: the model with passages"));
  session.Add(
      Compare(fmt::format("{} held questions, passages in the prompt; claim check", open.asked),
              open, open));
  ASSAY_ASSIGN(const Tally panel, AskAll(session, exam, "panel", true, "accuracy: three experts"));
  session.Add(Compare(
      fmt::format("the same, three experts by consensus, then the claim check", panel.asked), open,
      panel));
  return {};
}

}  // namespace assay::cli::validate
