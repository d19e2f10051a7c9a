// Parts of the security section that have files of their own.
#pragma once
#include <string>

#include "assay/core/result.h"
#include "assay/crypto/key_store.h"

#include "validate/report/finding.h"
#include "validate/sections.h"

namespace assay::cli::validate {

// The log of who changed keys verifies, and does not with any one byte changed, in a copy of it.
[[nodiscard]] Result<Finding> ProveAuditLog(const crypto::KeyStore& store,
                                            const std::string& folder);

// Files of a sealed cache hold neither question nor answer; those of one that is not sealed do.
[[nodiscard]] Result<Finding> ProveSealing(Session& session);

// Every file of the gateway's fuzz corpora, as bytes of a connection and as body of each endpoint.
[[nodiscard]] Result<Finding> ReplayCorpus(Session& session);

}  // namespace assay::cli::validate
