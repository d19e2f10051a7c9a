#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "assay/claims/shared/wire.h"
#include "assay/gateway/shared/claims.h"

namespace assay::gateway {
namespace {

// Writes the reply, or the reason why it cannot be sent.
template <typename T>
void Send(const T& value, core::SharedReply& reply) {
  auto room = reply.Reserve(claims::WireBytes(value));
  if (room) {
    claims::WriteWire(value, *room);
    return;
  }
  if (room.error().code != Code::kOutOfRange) return;  // nobody reads any more
  const Error error{Code::kOutOfRange, "reply: " + room.error().message};
  if (auto space = reply.Reserve(claims::WireBytes(error))) claims::WriteWire(error, *space);
}

}  // namespace

struct SharedClaims::Impl {
  Impl(core::SharedServer created, CheckerOfRoute find)
      : server(std::move(created)), checker_of_route(std::move(find)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    server.Stop();
    for (std::thread& worker : workers) worker.join();
  }

  void Handle(std::string_view bytes, core::SharedReply& reply) const {
    const auto request = claims::ReadWireRequest(bytes);
    if (!request) return Send(request.error(), reply);
    const AnswerChecker* checker = checker_of_route(request->route);
    if (checker == nullptr) {
      return Send(Error{Code::kFailedPrecondition,
                        fmt::format("the route '{}' has no documents to check against; name some "
                                    "with --docs or in the settings",
                                    request->route)},
                  reply);
    }
    if (request->details) {
      const auto judgements = checker->Verify(request->claims);
      if (!judgements) return Send(judgements.error(), reply);
      return Send(std::span<const claims::Judgement>(*judgements), reply);
    }
    std::vector<claims::VerdictRecord> records(request->claims.size());
    const auto judged = checker->VerifyRecords(request->claims, records);
    if (!judged) return Send(judged.error(), reply);
    Send(std::span<const claims::VerdictRecord>(records), reply);
  }

  core::SharedServer server;
  CheckerOfRoute checker_of_route;
  std::vector<std::thread> workers;
};

SharedClaims::SharedClaims(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SharedClaims::~SharedClaims() = default;

Result<std::unique_ptr<SharedClaims>> SharedClaims::Start(std::string_view name,
                                                          CheckerOfRoute checker_of_route,
                                                          const SharedClaimsOptions& options) {
  if (options.workers < 1 || options.workers > 64) {
    return Fail(
        Code::kInvalidArgument,
        fmt::format("{} workers of the shared memory; there may be 1 to 64", options.workers));
  }
  ASSAY_ASSIGN(auto server, core::SharedServer::Create(name, options.channel));
  auto impl = std::make_unique<Impl>(std::move(server), std::move(checker_of_route));
  for (std::uint32_t i = 0; i < options.workers; ++i) {
    impl->workers.emplace_back([shared = impl.get()] {
      shared->server.Serve([shared](std::string_view request, core::SharedReply& reply) {
        shared->Handle(request, reply);
      });
    });
  }
  return std::unique_ptr<SharedClaims>(new SharedClaims(std::move(impl)));
}

core::SharedServerStats SharedClaims::stats() const {
  return impl_->server.stats();
}

}  // namespace assay::gateway
