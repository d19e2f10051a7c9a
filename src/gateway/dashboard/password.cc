#include "assay/crypto/password.h"

#include <fmt/format.h>

#include "assay/crypto/secret.h"
#include "assay/gateway/dashboard/dashboard.h"

namespace assay::gateway::dashboard {

Result<void> CheckPasswordLength(std::string_view password) {
  if (password.size() < kMinPasswordBytes || password.size() > kMaxPasswordBytes) {
    return Fail(Code::kInvalidArgument,
                fmt::format("The password must have {} to {} bytes, it has {}.", kMinPasswordBytes,
                            kMaxPasswordBytes, password.size()));
  }
  return {};
}

Result<void> SetPassword(const std::string& path, std::string_view password) {
  ASSAY_TRY(CheckPasswordLength(password));
  ASSAY_ASSIGN(const std::string phc, crypto::HashPassword(password));
  return crypto::WriteSecretFile(path, phc + "\n", crypto::IfExists::kReplace);
}

}  // namespace assay::gateway::dashboard
