// provider/aws/profile_file.h: the INI form of AWS's shared files.
// Room: embed (private).  Threads: pure function.
// Source: "Shared config and credentials files", AWS SDKs and tools reference guide.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "assay/core/result.h"
#include "assay/crypto/secret.h"

namespace assay::embed::internal {

// Section -> key (in lower case) -> value. Values may be secrets, so all are treated as such.
using ProfileFile = std::map<std::string, std::map<std::string, crypto::SecretString>>;

// Nested settings (indented lines) are left out; a later value of a key replaces an earlier one.
// Errors: kInvalidArgument naming `path` and the line, never what stands there.
[[nodiscard]] Result<ProfileFile> ReadProfileFile(std::string_view text, std::string_view path);

}  // namespace assay::embed::internal
