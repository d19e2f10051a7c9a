// assay/claims/shared/verifier.h: the verifier of a gateway on this machine, through shared memory.
// Room: claims (uses core).  Threads: one at a time. Not for a forked child.
#pragma once
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/claims/shared/wire.h"
#include "assay/claims/verdict.h"
#include "assay/core/result.h"
#include "assay/core/shared/channel.h"

namespace assay::claims {

// A client of `assay serve --shm NAME`. Batches of any size: they go in parts that fit, the next
// one sent while the one before is judged.
class SharedVerifier {
 public:
  // Errors: those of core::SharedClient::Connect.
  [[nodiscard]] static Result<SharedVerifier> Connect(
      std::string_view name, std::chrono::nanoseconds timeout = std::chrono::seconds(60));

  // One judgement a claim, in order, as Verifier::VerifyBatch against the documents of `route`
  // (empty: the first route that has some). Errors: those of the gateway, and of
  // core::SharedClient; kInvalidArgument naming a claim that is not UTF-8; kOutOfRange for a claim
  // that is too long. After an error of the transport (kUnavailable, kDeadlineExceeded, kDataLoss)
  // connect anew.
  [[nodiscard]] Result<std::vector<Judgement>> Verify(std::span<const std::string_view> claims,
                                                      std::string_view route = {});
  // The same without reasons and evidence, which is much cheaper.
  [[nodiscard]] Result<std::vector<VerdictRecord>> VerifyRecords(
      std::span<const std::string_view> claims, std::string_view route = {});

 private:
  SharedVerifier(core::SharedClient client, std::chrono::nanoseconds timeout)
      : client_(std::move(client)), timeout_(timeout) {}

  template <typename Item, typename Read>
  Result<std::vector<Item>> Batch(std::span<const std::string_view> claims, std::string_view route,
                                  bool details, const Read& read);
  Result<void> Send(std::span<const std::string_view> claims, std::string_view route, bool details);

  core::SharedClient client_;
  std::chrono::nanoseconds timeout_;
};

}  // namespace assay::claims
