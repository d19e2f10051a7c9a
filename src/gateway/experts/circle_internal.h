// Several experts for one question: who is asked, in which order, and what becomes of their
// answers. Threads: a Circle is shared by all I/O threads; a call stays on the thread of its
// coroutine. Answers are compared on the compute pool.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "assay/consensus/consensus.h"
#include "assay/core/result.h"
#include "assay/embed/encoder.h"
#include "assay/gateway/answer_checker.h"
#include "assay/gateway/settings.h"

#include "experts/reliability_pool_internal.h"
#include "server/compute_pool_internal.h"
#include "upstream/route_client.h"

namespace assay::gateway {

struct CircleExpert {
  ExpertSettings settings;
  std::shared_ptr<RouteClient> client;  // with one target, whose model stays empty
};

// A chat request whose answers can be merged.
struct CircleRequest {
  boost::json::object body;
  bool whole =
      false;  // one answer is to be chosen as it is: it has a form that merging would break
};

// Of one call; all outlive it.
struct CircleCall {
  const UpstreamRequest& request;  // its body is not read
  const CircleRequest& question;
  std::string_view request_json;  // the client's
  const AnswerChecker* checker;   // null: no documents
  ComputePool& compute;
  std::function<std::int64_t(std::string_view upstream, const TokenUsage& usage)> cost_nanousd;
};

class Circle {
 public:
  // `encoder` compares texts, `learned` knows the experts; both outlive it. Errors: those of
  // consensus::Merger::Create.
  [[nodiscard]] static Result<std::unique_ptr<Circle>> Make(const RouteSettings& route,
                                                            std::vector<CircleExpert> experts,
                                                            const embed::Encoder& encoder,
                                                            ReliabilityPool& learned);

  // Null for a request that only one expert can answer: with tools, or for several choices.
  [[nodiscard]] static std::optional<CircleRequest> Read(std::string_view request_json);

  // One chat.completion from the answers, never a stream. An expert that fails is left out; when
  // all do, the reply or error is the first one's. The answer's member "assay" says who was asked
  // and how their answers became one.
  [[nodiscard]] boost::asio::awaitable<Result<UpstreamReply>> Ask(const CircleCall& call);

  struct Given;  // one expert's answer (given_internal.h)

 private:
  struct Asking;  // several calls on their way
  struct Merged;

  Circle(const RouteSettings& route, std::vector<CircleExpert> experts,
         const consensus::Merger& merger, const consensus::Merger& chooser,
         ReliabilityPool& learned)
      : route_(route.name),
        policy_(route.policy),
        settings_(route.consensus),
        experts_(std::move(experts)),
        merger_(merger),
        chooser_(chooser),
        learned_(learned) {}

  // Asks the experts [first, first + count) at once and waits for all.
  boost::asio::awaitable<void> AskExperts(const CircleCall& call, std::size_t first,
                                          std::size_t count, std::vector<Given>& given);
  boost::asio::awaitable<void> Check(const CircleCall& call, Given& given);
  boost::asio::awaitable<Result<Merged>> Merge(const CircleCall& call,
                                               const std::vector<Given>& given);
  boost::asio::awaitable<std::optional<std::size_t>> Agreed(const CircleCall& call,
                                                            const std::vector<Given>& given);
  boost::asio::awaitable<Result<UpstreamReply>> AskCascade(const CircleCall& call);
  boost::asio::awaitable<Result<UpstreamReply>> AskBest(const CircleCall& call);
  boost::asio::awaitable<Result<UpstreamReply>> AskAll(const CircleCall& call);
  boost::asio::awaitable<Result<UpstreamReply>> MergeAll(const CircleCall& call,
                                                         std::vector<Given> given);
  [[nodiscard]] UpstreamReply Serve(std::vector<Given>& given, std::size_t chosen,
                                    std::string_view why) const;
  [[nodiscard]] UpstreamReply Finish(std::vector<Given>& given, std::size_t base,
                                     boost::json::object assay, const std::string* text,
                                     std::string summary) const;

  std::string route_;
  RoutePolicy policy_;
  ConsensusSettings settings_;
  std::vector<CircleExpert> experts_;
  consensus::Merger merger_;
  consensus::Merger chooser_;  // never writes a text of its own
  ReliabilityPool& learned_;
};

// The request as one expert gets it: its system prompt and temperature, not streamed.
[[nodiscard]] std::string ExpertRequest(const boost::json::object& request,
                                        const ExpertSettings& expert);

}  // namespace assay::gateway
