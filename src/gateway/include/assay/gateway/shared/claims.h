// assay/gateway/shared/claims.h: verification of claims for processes of this machine, through
// shared memory.
// Room: gateway (uses core, claims).
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "assay/core/result.h"
#include "assay/core/shared/channel.h"
#include "assay/gateway/claims_api.h"

namespace assay::gateway {

struct SharedClaimsOptions {
  core::SharedChannelOptions channel = {};
  std::uint32_t workers = 1;  // threads that judge, 1 to 64
};

// Answers batches of claims (claims/shared/wire.h) as POST /v1/claims/verify does. Whoever may open
// the region is the same user of the operating system, so no key is asked for. Threads: any.
class SharedClaims {
 public:
  // Creates the region and starts the workers. `checker_of_route` is called by them, and what it
  // returns must outlive this. Errors: those of core::SharedServer::Create; kInvalidArgument for
  // the number of workers.
  [[nodiscard]] static Result<std::unique_ptr<SharedClaims>> Start(
      std::string_view name, CheckerOfRoute checker_of_route,
      const SharedClaimsOptions& options = {});
  // Ends after the batches that are being judged, and removes the region.
  ~SharedClaims();

  [[nodiscard]] core::SharedServerStats stats() const;

 private:
  struct Impl;
  explicit SharedClaims(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::gateway
